"""A failed expectation stops the training: named, its rows kept, and shown on a page that stands alone."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.dataset import TraceDataset, trace_key
from pipelines.errors import DataError
from pipelines.trace_table import KEYS
from pipelines.validation import DOCS_PAGE, validated

pytestmark = pytest.mark.slow  # Great Expectations takes seven seconds to import


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
