"""What judging one domain costs, against the bare session runs that it can't do without, in one run.

Graphs are of the size that the pipelines train, rows differ from call to call. The budget is 100 microseconds at the
99th percentile, all axes together. It is the thread's own time that counts: what else runs on the machine does not.
"""

import itertools
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from contracts.axis import AXES
from contracts.vector import ONNX_INPUT_NAME, FloatArray
from serving.regime_model import RegimeModel
from tests.unit.serving import trained_regime

pytestmark = pytest.mark.benchmark(timer=time.thread_time)

Judge = Callable[[FloatArray], object]
AXIS_COUNTS = (3, len(AXES))


@pytest.fixture(scope="module")
def models() -> dict[int, RegimeModel]:
    return {count: RegimeModel(trained_regime.bundle(AXES[:count])) for count in AXIS_COUNTS}


@pytest.fixture(scope="module")
def sessions() -> dict[int, list[ort.InferenceSession]]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return {
        count: [ort.InferenceSession(graph, sess_options=options) for graph in bundle.graphs.values()]
        for count in AXIS_COUNTS
        for bundle in [trained_regime.bundle(AXES[:count])]
    }


def judged_by(judge: Judge, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], what: str) -> None:
    vectors = itertools.cycle(list(trained_regime.rows(500, seed=99)))
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: judge(next(vectors)), rounds=5000, warmup_rounds=500
    )
    assert answer
    if benchmark.stats is not None:
        half, most = np.percentile(benchmark.stats.stats.data, (50, 99)) * 1e6
        with capsys.disabled():
            print(f"\n{what}: p50 {half:.1f} us, p99 {most:.1f} us a domain")


@pytest.mark.parametrize("count", AXIS_COUNTS)
def test_a_domain_judged(
    models: dict[int, RegimeModel], count: int, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark.group = f"one domain, {count} axes"
    judged_by(models[count].probabilities, benchmark, capsys, f"regime model, {count} axes")


@pytest.mark.parametrize("count", AXIS_COUNTS)
def test_bare_session_runs(
    sessions: dict[int, list[ort.InferenceSession]],
    count: int,
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    benchmark.group = f"one domain, {count} axes"

    def run_all(values: FloatArray) -> object:
        feed = {ONNX_INPUT_NAME: values[None, :]}
        return [session.run(["probabilities"], feed) for session in sessions[count]]

    judged_by(run_all, benchmark, capsys, f"bare session runs, {count} axes")


@pytest.mark.parametrize("count", AXIS_COUNTS)
def test_one_domain_is_judged_as_a_row_of_many(models: dict[int, RegimeModel], count: int) -> None:
    vectors = trained_regime.rows(200, seed=5)
    many = models[count].probabilities_of(vectors)
    alone = [models[count].probabilities(vector) for vector in vectors]
    for axis, column in many.items():
        np.testing.assert_array_equal([each.get(axis, np.nan) for each in alone], column)
