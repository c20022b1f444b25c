"""The steps that the other pipelines have: a campaign goes in, a registered version is shown again."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.vector_arrow import to_arrow
from pipelines.dataset import TraceDataset, partition, write_dataset
from pipelines.errors import DataError, PipelineError
from pipelines.registry import local_registry
from pipelines.settings import TrainingSettings
from pipelines.shown import held_out_shown
from pipelines.steps import (
    extract_step,
    find_version_step,
    read_traces_step,
    register_step,
    show_held_out_step,
    take_in_step,
    validate_step,
    write_training,
)
from pipelines.training import Training
from pipelines.training_data import TrainingData
from tests.unit.pipelines.synthetic_dataset import vectors_of


@pytest.mark.slow
def test_a_campaign_that_was_taken_in_can_be_extracted_and_taking_it_in_again_adds_nothing(
    dataset: TraceDataset, tmp_path: Path
) -> None:
    traces, state = tmp_path / "traces", tmp_path / "state"
    write_dataset(dataset, traces)
    vectors = vectors_of(dataset)
    beside = partition(traces, "synthetic") / "_vectors"
    beside.mkdir(parents=True)
    pq.write_table(to_arrow(vectors), beside / "part-0000.parquet")
    (partition(traces, "synthetic") / "profiles.jsonl").touch()

    taken = take_in_step(traces, state)

    assert taken["vectors"] == len(vectors)
    assert taken["labels"] == len(dataset.traces)
    assert taken["profiles"] > 0
    assert take_in_step(traces, state) == {"vectors": 0, "profiles": 0, "labels": 0}
    extract_step(traces, state, tmp_path / "extracted")
    read_traces_step(traces, tmp_path / "read")
    assert (tmp_path / "extracted" / "traces.parquet").exists()
    assert (tmp_path / "read" / "profiles.jsonl").exists()


@pytest.mark.slow
def test_a_registered_version_is_found_and_shows_what_its_training_showed(
    training: Training, data: TrainingData, settings: TrainingSettings, tmp_path: Path
) -> None:
    write_training(training, data, tmp_path / "trained")
    (tmp_path / "mlflow").mkdir()
    place = local_registry(tmp_path).to_json()
    told = settings.to_json()
    registration = register_step(tmp_path / "trained", place.decode(), told.decode())

    assert find_version_step("1", place.decode()) == registration
    shown = show_held_out_step(registration, place.decode(), told.decode())
    assert shown == held_out_shown(training.predictions, training.figures)
    with pytest.raises(PipelineError, match=r"no version 7 of leeward"):
        find_version_step("7", place.decode())


@pytest.mark.slow
def test_a_refusal_keeps_the_page_that_says_what_was_expected_and_the_rows(
    dataset: TraceDataset, tmp_path: Path
) -> None:
    one = dataset.traces[0]
    long = one.model_copy(update={"window_length_ns": 400_000_000_000})
    write_dataset(TraceDataset(traces=(long, *dataset.traces[1:]), profiles=dataset.profiles), tmp_path / "extracted")
    page, rows = tmp_path / "handed" / "docs", tmp_path / "handed" / "rows"
    with pytest.raises(DataError, match="window_seconds"):
        validate_step(tmp_path / "extracted", data_docs=page, bad_rows=rows)
    assert "<html" in page.read_text()
    assert 400.0 in pq.read_table(rows)["window_seconds"].to_pylist()
