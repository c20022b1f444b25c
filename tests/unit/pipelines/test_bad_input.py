"""Traces that nothing can be learnt from are refused before anything is registered.

What the expectations refuse stands in ``test_validation.py``.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ContractError
from contracts.trace import LabelledTrace, Provenance
from pipelines.dataset import TRACES_FILE, TraceDataset, write_dataset
from pipelines.errors import DataError
from pipelines.settings import TrainingSettings
from pipelines.steps import number_folds_step, read_traces_step, train_step


def never_pressed(trace: LabelledTrace) -> LabelledTrace:
    return trace.model_copy(update={"injected": (), "pressed": (), "provenance": Provenance.OPERATOR})


def test_traces_without_a_pressed_window_are_refused_before_anything_is_fitted(
    dataset: TraceDataset, settings: TrainingSettings, tmp_path: Path
) -> None:
    traces = tuple(map(never_pressed, dataset.traces))
    write_dataset(TraceDataset(traces=traces, profiles=dataset.profiles), tmp_path / "extracted")
    with pytest.raises(DataError, match="no axis can be judged"):
        train_step(tmp_path / "extracted", settings.to_json().decode(), tmp_path / "trained")
    assert not (tmp_path / "trained").exists()


def test_a_slowdown_that_is_no_number_is_refused_where_traces_are_read(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "traces")
    file = tmp_path / "traces" / TRACES_FILE
    table = pq.read_table(file)
    column = table.schema.get_field_index("slowdown")
    spoilt = pa.array([float("nan"), *table["slowdown"].to_pylist()[1:]], table.schema.field(column).type)
    pq.write_table(table.set_column(column, table.schema.field(column), spoilt), file)
    with pytest.raises(ContractError, match="slowdown"):
        read_traces_step(tmp_path / "traces", tmp_path / "read")
    assert not (tmp_path / "read").exists()


def test_a_rate_that_the_groups_do_not_support_is_refused_by_the_first_step_that_knows_and_the_highest_is_named(
    dataset: TraceDataset, settings: TrainingSettings, tmp_path: Path
) -> None:
    write_dataset(dataset, tmp_path / "extracted")
    asked = settings.model_copy(update={"rate": 0.9}).to_json().decode()
    complaint = r"rate of 0\.9 can't be calibrated over 5 .* support no more than 0\.833"
    with pytest.raises(DataError, match=complaint):
        number_folds_step(tmp_path / "extracted", asked)
    with pytest.raises(DataError, match=complaint):
        train_step(tmp_path / "extracted", asked, tmp_path / "trained")
    assert not (tmp_path / "trained").exists()
