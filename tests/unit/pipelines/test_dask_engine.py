"""Two worker processes give the figures of one process within noise, and refuse what it refuses in its words."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import t as student

from contracts.axis import AXES
from contracts.errors import ContractError
from feature_repo.ingest import Ingest
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from pipelines.boosting import Boosting, Ensemble, FitRows, boosted_here
from pipelines.dask_boosting import DaskBoosting
from pipelines.dask_extract import extract_on
from pipelines.dask_workers import with_all_workers
from pipelines.dataset import TraceDataset, write_dataset
from pipelines.engine import LOCAL, Engine, EngineName, boosting_of, client_of
from pipelines.errors import DataError, EngineError
from pipelines.extract import extract
from pipelines.interference_training import QuantileModel, fit_quantile
from pipelines.regime_training import fit_axis
from pipelines.settings import TrainingSettings
from pipelines.steps import extract_step, train_step
from pipelines.training_data import TrainingData
from serving.interference_row import INTERFERENCE_COLUMNS, RISING_COLUMNS
from tests.unit.pipelines.synthetic_dataset import vectors_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

SEEDS = range(1, 9)
"""Fits of one process that differ in nothing but chance: how far their figures scatter is the noise."""

STUMP = {"base_score": 0.0, "tree_method": "hist"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with client_of(Engine(name=EngineName.DASK, workers=2)) as client:
        yield client


@pytest.fixture(scope="module")
def running(client: Client) -> Engine:
    """The cluster as an engine that runs already."""
    return Engine(name=EngineName.DASK, scheduler=client.scheduler_info()["address"])


@pytest.fixture(scope="module")
def on_dask(client: Client, data: TrainingData, settings: TrainingSettings) -> QuantileModel:
    every = np.ones(len(data.rows.trace), dtype=np.bool_)
    return fit_quantile(data.rows, every, quantile=settings.upper, settings=settings, boosting=DaskBoosting(client))


def held_out(
    data: TrainingData, settings: TrainingSettings, boosting: Boosting
) -> tuple[dict[float, NDArray[np.float64]], NDArray[np.float64]]:
    """By median and upper quantile, bounds of unseen workloads; and probabilities of the first judged axis.

    Half the folds at a time are left out, since a fit costs more on a cluster than these few rows do.
    """
    bounds = {quantile: np.full(len(data.rows.trace), np.nan) for quantile in (settings.median, settings.upper)}
    pressed = data.labels.pressed[:, AXES.index(data.labels.judged[0])]
    probability = np.full(len(pressed), np.nan)
    folds_in_all = len(data.folds.folds)
    for half in (range(folds_in_all // 2), range(folds_in_all // 2, folds_in_all)):
        folds = frozenset(half)
        seen, windows = data.rows_without(folds), data.windows_without(folds)
        unseen = np.isin(data.victim_fold, sorted(folds))
        for quantile, bound in bounds.items():
            model = fit_quantile(data.rows, seen, quantile=quantile, settings=settings, boosting=boosting)
            bound[unseen] = model.predict(data.rows.matrix[unseen])
        axis = fit_axis(data.windows.vectors[windows], pressed[windows], settings, boosting)
        probability[~windows] = axis.inplace_predict(data.windows.vectors[~windows])
    return bounds, probability


def held_out_figures(data: TrainingData, settings: TrainingSettings, boosting: Boosting) -> list[float]:
    """Coverage and pinball loss of both quantiles, and the Brier score of the axis."""
    bounds, probability = held_out(data, settings, boosting)
    figures: list[float] = []
    for quantile, bound in bounds.items():
        excess = data.rows.log_slowdown - bound
        figures += [float((excess <= 0.0).mean())]
        figures += [float(np.maximum(quantile * excess, (quantile - 1.0) * excess).mean())]
    pressed = data.labels.pressed[:, AXES.index(data.labels.judged[0])]
    return [*figures, float(np.nanmean((probability - pressed) ** 2))]


def test_two_workers_say_of_unseen_workloads_what_one_process_says_within_the_noise_of_its_seeds(
    client: Client, data: TrainingData, settings: TrainingSettings
) -> None:
    """Within the interval of Student's t that the figures of one more seed would be in 999 times of 1,000."""
    by_chance = np.array(
        [held_out_figures(data, settings.model_copy(update={"seed": seed}), boosted_here) for seed in SEEDS]
    )
    on_two = np.array(held_out_figures(data, settings, DaskBoosting(client)))
    count = len(SEEDS)
    most = student.ppf(0.9995, count - 1) * by_chance.std(axis=0, ddof=1) * np.sqrt(1.0 + 1.0 / count)
    assert (np.abs(on_two - by_chance.mean(axis=0)) <= most).all(), (on_two, by_chance)


def test_where_nothing_is_drawn_by_chance_two_workers_fit_the_quantiles_of_one_process(
    client: Client, data: TrainingData, settings: TrainingSettings
) -> None:
    """So the objective, the weights and the start of a fit are the same on a cluster."""
    trees = settings.interference.model_copy(update={"subsample": 1.0, "columns": 1.0})
    plain = settings.model_copy(update={"interference": trees})
    every = np.ones(len(data.rows.trace), dtype=np.bool_)
    for quantile in (settings.median, settings.upper):
        ours, theirs = (
            fit_quantile(data.rows, every, quantile=quantile, settings=plain, boosting=boosting)
            for boosting in (boosted_here, DaskBoosting(client))
        )
        np.testing.assert_allclose(theirs.predict(data.rows.matrix), ours.predict(data.rows.matrix), atol=1e-5)


@hypothesis_settings(max_examples=50, deadline=None)
@given(row=st.integers(0, 400), column=st.sampled_from(RISING_COLUMNS), rise=st.floats(0.0, 5.0, width=32))
def test_more_pressure_never_predicts_less_where_workers_fitted(
    on_dask: QuantileModel, data: TrainingData, row: int, column: str, rise: float
) -> None:
    pair = np.stack([data.rows.matrix[row % len(data.rows.matrix)]] * 2)
    pair[1, INTERFERENCE_COLUMNS.index(column)] += rise
    less, more = on_dask.predict(pair)
    assert more >= less


def test_fewer_rows_than_workers_are_fitted_all_the_same(client: Client) -> None:
    rows = FitRows(matrix=np.ones((1, 2), dtype=np.float32), target=np.array([0.25]))
    ensemble = Ensemble(parameters={"base_score": 0.25, "tree_method": "hist"}, trees=2)
    booster = DaskBoosting(client)(rows, ensemble)
    assert booster.inplace_predict(rows.matrix) == pytest.approx([0.25])


def test_without_weights_every_row_counts_one(client: Client) -> None:
    rows = FitRows(matrix=np.zeros((8, 1), dtype=np.float32), target=np.arange(8.0))
    booster = DaskBoosting(client)(rows, Ensemble(parameters={**STUMP, "eta": 1.0, "lambda": 0.0}, trees=1))
    assert booster.inplace_predict(rows.matrix[:1]) == pytest.approx([3.5])


def test_what_xgboost_refuses_is_said(client: Client) -> None:
    rows = FitRows(matrix=np.zeros((8, 1), dtype=np.float32), target=np.full(8, 2.0))
    ensemble = Ensemble(parameters={**STUMP, "objective": "binary:logistic", "base_score": 0.5}, trees=1)
    with pytest.raises(EngineError, match=r"refused a fit, or lost another: .*; see the workers' logs"):
        DaskBoosting(client)(rows, ensemble)


def test_a_worker_that_is_killed_under_a_fit_ends_it_with_a_sentence() -> None:
    rows = FitRows(matrix=np.random.default_rng(0).random((2_000, 8), np.float32), target=np.arange(2_000.0))
    with client_of(Engine(name=EngineName.DASK, workers=2)) as doomed:
        boosting = DaskBoosting(doomed)
        boosting(rows, Ensemble(parameters=STUMP, trees=1))
        first, *_ = doomed.run(os.getpid).values()
        Timer(1.0, os.kill, (first, signal.SIGKILL)).start()
        with pytest.raises(EngineError, match=r"^lost 1 of 2 workers of the Dask cluster \(tcp://.*train again"):
            boosting(rows, Ensemble(parameters=STUMP, trees=1_000_000))


def test_a_scheduler_that_is_killed_under_a_fit_is_named() -> None:
    script = (
        "import time\n"
        "from distributed import LocalCluster\n"
        "cluster = LocalCluster(n_workers=1, processes=False, protocol='tcp', dashboard_address='127.0.0.1:0')\n"
        "print(cluster.scheduler_address, flush=True)\n"
        "time.sleep(600)\n"
    )

    async def sleep(_: Sequence[str]) -> None:
        await asyncio.sleep(600)

    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        engine = Engine(name=EngineName.DASK, scheduler=server.stdout.readline().strip())
        with client_of(engine) as client:
            Timer(0.5, server.kill).start()
            with pytest.raises(EngineError, match="Dask scheduler does not answer any more"):
                with_all_workers(client, sleep)


def test_a_cluster_without_workers_is_named() -> None:
    rows = FitRows(matrix=np.zeros((1, 1), dtype=np.float32), target=np.zeros(1))
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        boosting_of(Engine(name=EngineName.DASK, scheduler=cluster.scheduler_address)) as boosting,
        pytest.raises(EngineError, match="has no worker: start some"),
    ):
        boosting(rows, Ensemble(parameters=STUMP, trees=1))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere://here"])
def test_a_scheduler_that_does_not_answer_is_named(address: str) -> None:
    engine = Engine(name=EngineName.DASK, scheduler=address)
    with pytest.raises(EngineError, match=f"no Dask scheduler answers at {address}: start it"), boosting_of(engine):
        pass


def test_processes_of_this_machine_open_no_port_that_is_fixed(client: Client) -> None:
    fixed = {8786, 8787}  # of a scheduler and of its page, unless told otherwise
    told = client.scheduler_info()
    assert not fixed & {int(told["address"].rsplit(":", 1)[1]), *told["services"].values()}


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"name": "spark"}, "name: Input should be 'local' or 'dask'"),
        ({"workers": 2}, "are of the dask engine: name it as well"),
        ({"scheduler": "tcp://dask:8786"}, "are of the dask engine: name it as well"),
        ({"name": "dask", "scheduler": "tcp://dask:8786", "workers": 2}, "has workers of its own"),
        ({"name": "dask", "workers": 0}, "workers: Input should be greater than or equal to 1"),
    ],
    ids=["unknown", "workers of none", "scheduler of none", "both", "no worker"],
)
def test_engines_that_are_none_are_refused(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        Engine.from_json(json.dumps(said))


@pytest.mark.parametrize("engine", [LOCAL, Engine(name=EngineName.DASK, workers=3)], ids=["local", "dask"])
def test_an_engine_is_read_as_it_was_written(engine: Engine) -> None:
    assert Engine.from_json(engine.to_json()) == engine


def test_the_local_engine_fits_in_this_process() -> None:
    with boosting_of(LOCAL) as boosting:
        assert boosting is boosted_here


def test_the_steps_of_a_training_run_on_a_cluster(
    running: Engine, dataset: TraceDataset, small_settings: TrainingSettings, state: Path, tmp_path: Path
) -> None:
    few = small_settings.model_copy(update={"fewest_pressed": 45})
    engine = running.to_json().decode()
    write_dataset(dataset, tmp_path / "traces")
    extract_step(tmp_path / "traces", state, tmp_path / "extracted", engine=engine)
    shown, report = train_step(tmp_path / "extracted", few.to_json().decode(), tmp_path / "trained", engine=engine)
    _, alone = train_step(tmp_path / "extracted", few.to_json().decode(), tmp_path / "alone")
    assert report.traces == alone.traces == len(dataset.traces)
    assert report.judged == alone.judged
    assert [figure.name for figure in report.figures] == [figure.name for figure in alone.figures]
    assert 0.0 < shown.figures["bound.probed.unseen-victim.coverage"] <= 1.0


@pytest.fixture(scope="module")
def state(dataset: TraceDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature store that knows all of the dataset."""
    directory = tmp_path_factory.mktemp("state")
    store = open_store(directory)
    Ingest(store).accept(vectors_of(dataset))
    write_profiles(store, dataset.profiles)
    return directory


def with_foreign_row(dataset: TraceDataset, place: int) -> TraceDataset:
    other = dataset.traces[place].model_copy(update={"during": (0.123, *dataset.traces[place].during[1:])})
    return TraceDataset(
        traces=(*dataset.traces[:place], other, *dataset.traces[place + 1 :]), profiles=dataset.profiles
    )


def test_workers_take_what_the_store_agrees_with(client: Client, dataset: TraceDataset, state: Path) -> None:
    assert extract_on(client, dataset, state, rows_a_join=100) is dataset


def test_workers_refuse_a_row_in_the_same_words(client: Client, dataset: TraceDataset, state: Path) -> None:
    foreign = with_foreign_row(dataset, 170)
    with pytest.raises(DataError) as here:
        extract(foreign, state)
    with pytest.raises(DataError) as there:
        extract_on(client, foreign, state)
    assert str(there.value) == str(here.value)


def test_of_several_refused_partitions_the_earliest_is_named(
    client: Client, dataset: TraceDataset, state: Path
) -> None:
    foreign = with_foreign_row(with_foreign_row(dataset, 230), 170)
    with pytest.raises(DataError, match=r"^1 of 200 traces are refused \(row 170, during "):
        extract_on(client, foreign, state, rows_a_join=100)
