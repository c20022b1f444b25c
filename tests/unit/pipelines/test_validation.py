"""A failed expectation stops the training: named, its rows kept, and shown on a page that stands alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import LabelledTrace, Provenance
from pipelines.dataset import TraceDataset, trace_key, write_dataset
from pipelines.errors import DataError
from pipelines.steps import validate_step
from pipelines.trace_table import KEYS
from pipelines.validation import DOCS_PAGE, validated

pytestmark = pytest.mark.slow  # Great Expectations takes seven seconds to import

FEATURE = "l3_miss_ratio"
_PLACE = [spec.name for spec in FEATURE_SCHEMA_V1.features].index(FEATURE)


def test_lawful_traces_pass_and_leave_a_page_that_fetches_nothing_and_no_bad_rows(
    dataset: TraceDataset, tmp_path: Path
) -> None:
    bad_rows = tmp_path / "bad.parquet"
    bad_rows.write_bytes(b"of an earlier run")
    found = validated(dataset, docs=tmp_path / "docs", bad_rows=bad_rows)
    assert found.rows == len(dataset.traces)
    assert found.expectations > 160
    assert not bad_rows.exists()
    page = (tmp_path / "docs" / DOCS_PAGE).read_text()
    assert "Succeeded" in page
    assert "during.snoop_forward_share" in page
    assert re.findall(r"<script|<link|<img|https?://", page) == []


def test_a_bad_row_is_named_kept_and_shown(dataset: TraceDataset, tmp_path: Path) -> None:
    traces = list(dataset.traces)
    traces[3] = traces[3].model_copy(update={"window_length_ns": 10**12})
    long = TraceDataset(traces=tuple(traces), profiles=dataset.profiles)
    bad_rows = tmp_path / "kept" / "bad.parquet"
    with pytest.raises(DataError) as refused:
        validated(long, docs=tmp_path / "docs", bad_rows=bad_rows)
    key = "/".join(map(str, trace_key(long.traces[3])))
    assert str(refused.value).startswith(
        "traces are refused: expect_column_values_to_be_between on window_seconds is not met: 1 row(s) fail: "
        f"row 3 ({key}) with 1000.0"
    )
    assert f"bad row(s) are kept in {bad_rows}; nothing was trained" in str(refused.value)
    (kept,) = [row for row in pq.read_table(bad_rows).to_pylist() if row["row"] == 3]
    assert tuple(kept[column] for column in KEYS) == trace_key(long.traces[3])
    assert kept["window_seconds"] == 1000.0
    assert "expect_column_values_to_be_between on window_seconds" in kept["failed"]
    assert "Failed" in (tmp_path / "docs" / DOCS_PAGE).read_text()


def without_feature(trace: LabelledTrace) -> LabelledTrace:
    during = (*trace.during[:_PLACE], None, *trace.during[_PLACE + 1 :])
    return trace.model_copy(update={"during": during})


def of_constant_slowdown(trace: LabelledTrace) -> LabelledTrace:
    return trace.model_copy(update={"slowdown": 1.5, "together": 1.5 * trace.alone, "censored": False})


def never_pressed(trace: LabelledTrace) -> LabelledTrace:
    return trace.model_copy(update={"injected": (), "pressed": (), "provenance": Provenance.OPERATOR})


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        (of_constant_slowdown, "expect_column_unique_value_count_to_be_between on slowdown is not met: found 1"),
        (without_feature, f"expect_column_proportion_of_non_null_values_to_be_between on during.{FEATURE} is not met"),
        (never_pressed, "expect_column_unique_value_count_to_be_between on pressed is not met: found 1"),
    ],
    ids=["constant slowdown", "a feature that no row has", "one class alone"],
)
def test_the_step_that_validates_refuses_what_cannot_be_learnt(
    spoilt: Callable[[LabelledTrace], LabelledTrace], complaint: str, dataset: TraceDataset, tmp_path: Path
) -> None:
    traces = tuple(map(spoilt, dataset.traces))
    write_dataset(TraceDataset(traces=traces, profiles=dataset.profiles), tmp_path / "extracted")
    with pytest.raises(DataError) as refused:
        validate_step(tmp_path / "extracted", data_docs=tmp_path / "docs", bad_rows=tmp_path / "rows")
    assert complaint in str(refused.value)
    assert str(refused.value).endswith("nothing was trained")
