"""The compiled pipeline under kfp.local, from traces to the champion, and what its failures say."""

import os
from pathlib import Path

import pytest
import yaml

from feature_repo.ingest import Ingest
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from pipelines.errors import PipelineError
from pipelines.local_run import STEPS, train_locally
from pipelines.report import report_of
from pipelines.settings import TrainingSettings
from pipelines.training import train
from pipelines.training_data import training_data
from serving.champion import load_champion
from tests.unit.pipelines.synthetic_dataset import vectors_of

pytestmark = pytest.mark.slow


def test_from_traces_to_the_champion(
    dataset: TraceDataset, settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    state = tmp_path / "state"
    write_dataset(dataset, dataset_directory(state))
    store = open_store(state)
    Ingest(store).accept(vectors_of(dataset))
    write_profiles(store, dataset.profiles)
    told: list[float] = []

    outcome = train_locally(state, settings, progress=lambda _, done: told.append(done))

    assert outcome.decision.promoted
    assert outcome.report.traces == len(dataset.traces)
    assert outcome.figures.of("bound.probed.unseen-victim.coverage").groups == 6
    assert set(outcome.seconds) == set(STEPS)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    champion = load_champion(state)
    assert champion is not None
    assert champion.digest == outcome.digest
    compiled, _ = yaml.safe_load_all((state / "pipeline" / "leeward-training.yaml").read_text())
    assert {name.removeprefix("comp-") for name in compiled["components"]} == set(STEPS)
    (run,) = (state / "pipeline" / "root").iterdir()
    assert "<html" in (run / "validate" / "data_docs").read_text()
    assert "<svg" in (run / "train" / "coverage").read_text()
    assert (run / "promote" / "decision").read_text().startswith("# leeward version 1 is now champion\n")
    assert os.listdir(elsewhere) == []  # noqa: PTH208


def test_folds_apart_come_to_the_same_report(dataset: TraceDataset, settings: TrainingSettings, tmp_path: Path) -> None:
    """The pipeline of a cluster, with a task a fold, under kfp.local."""
    write_dataset(dataset, dataset_directory(tmp_path))
    store = open_store(tmp_path)
    Ingest(store).accept(vectors_of(dataset))
    write_profiles(store, dataset.profiles)

    few = settings.model_copy(update={"folds": 3})
    apart = train_locally(tmp_path, few, folds_apart=True)

    data = training_data(dataset, few)
    assert apart.report == report_of(train(data, few), data)
    (run,) = (tmp_path / "pipeline" / "root").iterdir()
    assert len(list(run.glob("for-loop-*/fit-fold/fits"))) == 3


def test_a_failing_step_says_its_own_sentence_and_leaves_the_state_alone(
    dataset: TraceDataset, settings: TrainingSettings, tmp_path: Path
) -> None:
    write_dataset(dataset, dataset_directory(tmp_path))
    with pytest.raises(
        PipelineError,
        match=r"^training failed at extract: 243 of 243 traces are refused .*local\.log\)$",
    ):
        train_locally(tmp_path, settings)
    assert not (tmp_path / "champion.json").exists()
    assert not list((tmp_path / "mlflow").iterdir())
    assert "Traceback" in (tmp_path / "pipeline" / "local.log").read_text()
