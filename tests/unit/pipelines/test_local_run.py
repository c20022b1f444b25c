"""The compiled pipelines under kfp.local, from a campaign's traces to the champion, and what their failures say."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from contracts.vector_arrow import to_arrow
from pipelines.dataset import TraceDataset, dataset_directory, partition, write_dataset
from pipelines.errors import PipelineError
from pipelines.local_run import STEPS, run_locally, train_locally
from pipelines.registry import local_registry
from pipelines.report import Outcome
from pipelines.settings import TrainingSettings
from serving.champion import load_champion
from tests.unit.pipelines.synthetic_dataset import vectors_of

pytestmark = pytest.mark.slow  # each task is a process that imports what it needs


def campaign(dataset: TraceDataset, state: Path) -> Path:
    """What a campaign leaves in a state directory, before any store knows of it; returns the traces' directory."""
    traces = dataset_directory(state)
    write_dataset(dataset, traces)
    vectors = partition(traces, "synthetic") / "_vectors"
    vectors.mkdir(parents=True)
    pq.write_table(to_arrow(vectors_of(dataset)), vectors / "part-0000.parquet")
    (partition(traces, "synthetic") / "profiles.jsonl").touch()
    return traces


def test_from_a_campaign_to_the_champion_by_all_four_pipelines(
    dataset: TraceDataset, small_settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, since each pipeline needs what the one before it left."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    state = tmp_path / "state"
    traces = campaign(dataset, state)
    root = state / "pipeline" / "root"
    told: list[float] = []

    taken = run_locally("campaign-ingest", state, {"traces": str(traces), "state": str(state)})

    assert taken.outputs == {}
    assert set(taken.seconds) == {"read-traces", "validate", "take-in"}

    outcome = train_locally(state, small_settings, progress=lambda _, done: told.append(done))

    assert outcome.decision.promoted
    assert outcome.settings == small_settings
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
    (run,) = root.glob("leeward-training-*")
    assert "<html" in (run / "validate" / "data_docs").read_text()
    assert "<svg" in (run / "train" / "coverage").read_text()
    assert (run / "promote" / "decision").read_text().startswith("# leeward version 1 is now champion\n")

    registry = local_registry(state).to_json().decode()
    asked = {"version": "champion", "registry": registry, "settings": small_settings.to_json().decode()}
    run_locally("heldout-report", state, asked)

    (shown,) = root.glob("leeward-heldout-report-*")
    assert (shown / "show-held-out" / "coverage").read_text() == (run / "train" / "coverage").read_text()

    again = run_locally("promote", state, {**asked, "traces": str(traces), "state": str(state)})

    kept = Outcome.from_json(again.outputs["Output"])
    assert (kept.version, kept.digest, kept.decision) == (outcome.version, outcome.digest, outcome.decision)
    assert run.exists()
    assert os.listdir(elsewhere) == []  # noqa: PTH208


def test_a_failing_step_says_its_own_sentence_and_leaves_the_state_alone(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"^training failed at extract: no traces to train on: .*local\.log\)$"):
        train_locally(tmp_path)
    assert not (tmp_path / "champion.json").exists()
    assert not list((tmp_path / "mlflow").iterdir())
    assert "Traceback" in (tmp_path / "pipeline" / "local.log").read_text()
