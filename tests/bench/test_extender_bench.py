"""What a request over 5,000 nodes costs: scores that are kept, against predicting on the request, in one run.

Nodes have two domains with two residents each; the graphs are of the size that the pipelines train.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from scheduler_extender.main import build_extender
from scheduler_extender.service import Extender
from scheduler_extender.settings import ExtenderSettings
from serving.champion import install_champion
from tests.unit.scheduler_extender import xgboost_bundle
from tests.unit.scheduler_extender.small_cluster import (
    NOW,
    Domain,
    args,
    captured,
    node_state,
    place,
    pod_object,
    publish,
)

NODES = tuple(json.loads(captured("prioritize-upf-names-5000"))["NodeNames"])
BODY = captured("prioritize-upf-names-5000")
TREES = 150


@pytest.fixture(scope="module")
def extender(tmp_path_factory: pytest.TempPathFactory) -> Extender:
    state = tmp_path_factory.mktemp("state")
    made = tmp_path_factory.mktemp("bundle") / "made"
    digest = xgboost_bundle.write(made, xgboost_bundle.graph_files(seed=1, trees=TREES), version="1")
    install_champion(state, made, model="leeward", version="1", digest=digest)
    fill(state)
    return build_extender(state, ExtenderSettings(budget_seconds=600.0), clock=lambda: NOW)


def fill(state: Path) -> None:
    for index, node in enumerate(NODES):
        uids = [f"{index}-{place}" for place in range(4)]
        pressures = (index % 97 / 97, index % 53 / 53)
        domains = [Domain(pressure=value, pods=tuple(uids[2 * d : 2 * d + 2])) for d, value in enumerate(pressures)]
        publish(state, node_state(node, *domains))
        place(state, *(pod_object(uid, node=node, profile="transcode") for uid in uids))


@pytest.mark.benchmark(group="prioritize, 5,000 nodes")
def test_scores_kept(benchmark: BenchmarkFixture, extender: Extender) -> None:
    extender.prioritize(BODY)
    assert benchmark(extender.prioritize, BODY).status == 200
    assert extender.metrics.value("failures_total", verb="prioritize") == 0


@pytest.mark.benchmark(group="prioritize, 5,000 nodes")
def test_predicted_on_request(benchmark: BenchmarkFixture, extender: Extender) -> None:
    """Rows are prepared, bounds are not."""
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]
        extender.prioritize, setup=forgetting(extender, BODY), rounds=5
    )
    assert answer.status == 200


@pytest.mark.benchmark(group="prioritize, 500 of 5,000 nodes")
def test_scores_kept_of_a_sample(benchmark: BenchmarkFixture, extender: Extender) -> None:
    body = captured("prioritize-upf-names-500-of-5000")
    extender.prioritize(body)
    assert benchmark(extender.prioritize, body).status == 200


@pytest.mark.benchmark(group="prioritize, 500 of 5,000 nodes")
def test_sample_predicted_on_request(benchmark: BenchmarkFixture, extender: Extender) -> None:
    body = captured("prioritize-upf-names-500-of-5000")
    answer = benchmark.pedantic(  # type: ignore[no-untyped-call]
        extender.prioritize, setup=forgetting(extender, body), rounds=5
    )
    assert answer.status == 200


@pytest.mark.benchmark(group="filter, 5,000 nodes")
def test_filter_that_passes_all(benchmark: BenchmarkFixture, extender: Extender) -> None:
    body = args(pod_object("u"), *NODES)
    assert benchmark(extender.filter, body).status == 200


def forgetting(extender: Extender, body: bytes) -> Callable[[], tuple[tuple[bytes], dict[str, object]]]:
    """Make the next request a workload's first one."""
    forecasts = extender._knowledge.forecasts
    assert forecasts is not None

    def forget() -> tuple[tuple[bytes], dict[str, object]]:
        forecasts._kept.clear()
        return (body,), {}

    return forget
