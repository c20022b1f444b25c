"""Each thing that must hold is asked for: a table that breaks it fails the one expectation that is meant."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.trace_table import trace_table
from pipelines.validation import validated_table
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

pytestmark = pytest.mark.slow  # Great Expectations takes seven seconds to import

BETWEEN, IN_SET = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
NOT_NULL, COUNT = "expect_column_values_to_not_be_null", "expect_column_unique_value_count_to_be_between"

BROKEN_ROWS: list[tuple[str, Any, str]] = [
    ("window_seconds", 1000.0, BETWEEN),
    ("window_seconds", 0.1, BETWEEN),
    ("seconds_since_previous_window", -0.001, BETWEEN),
    ("slowdown", 10.5, BETWEEN),
    ("slowdown", 0.5, BETWEEN),
    ("slowdown", np.inf, BETWEEN),
    ("slowdown", np.nan, NOT_NULL),
    ("pressed", None, NOT_NULL),
    ("pressed", "llc+l2", "expect_column_values_to_match_regex"),
    ("provenance", "guessed", IN_SET),
    ("provenance_fits_stressors", False, IN_SET),
    ("axes_against_stressors", "upi", IN_SET),
    ("co_runners", 65, BETWEEN),
    ("own_co_runners", 1, IN_SET),
    ("highest_intensity", 1.5, BETWEEN),
    ("victim_tier", "known", IN_SET),
    ("victim_is_conservative", True, IN_SET),
    ("profile_is_younger", True, IN_SET),
    ("before.axes_without_features", "tlb", IN_SET),
    ("during.axes_without_features", "smt+tlb", IN_SET),
    ("before.dram_utilisation", 1.01, BETWEEN),
    ("during.lock_loads", -0.01, BETWEEN),
]
"""One row each: column, value, and the expectation on that column that the row is to fail."""


def refusal_of(table: Any, tmp_path: Any) -> str:
    with pytest.raises(DataError) as refused:
        validated_table(table, docs=tmp_path, bad_rows=tmp_path / "bad.parquet")
    return str(refused.value)


def test_each_bad_row_fails_what_it_breaks_and_nothing_else(dataset: TraceDataset, tmp_path: Any) -> None:
    table = trace_table(dataset)
    for row, (column, value, _) in enumerate(BROKEN_ROWS):
        if value is None or isinstance(value, str):
            table[column] = table[column].astype(object)
        table.loc[row, column] = value
    refusal_of(table, tmp_path)
    kept = pq.read_table(tmp_path / "bad.parquet").to_pylist()
    found = [(row["row"], row["failed"]) for row in kept]
    assert found == [(row, [f"{expectation} on {column}"]) for row, (column, _, expectation) in enumerate(BROKEN_ROWS)]


def test_rows_that_stand_twice_are_named(dataset: TraceDataset, tmp_path: Any) -> None:
    table = trace_table(dataset)
    table.loc[20] = table.loc[19]
    table.loc[20, "row"] = 20
    told = refusal_of(table, tmp_path)
    assert "expect_compound_columns_to_be_unique on campaign+node+domain+window_start_ns+victim" in told
    assert "2 row(s) fail: row 19 (synthetic/" in told


def test_what_no_single_row_is_at_fault_for_is_named(dataset: TraceDataset, tmp_path: Any) -> None:
    table = trace_table(dataset)
    table["slowdown"] = 1.0
    table["pressed"] = "llc"
    table["before.l3_miss_ratio"] = np.nan
    table["during.missing_of_iio"] = 0.95
    told = refusal_of(table, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert f"{COUNT} on slowdown is not met: found 1; nor are 3 other(s): {COUNT} on pressed, " in told
    assert "expect_column_proportion_of_non_null_values_to_be_between on before.l3_miss_ratio" in told
    assert "expect_column_mean_to_be_between on during.missing_of_iio" in told
    assert "no single row is at fault" in told
    assert not (tmp_path / "bad.parquet").exists()
    assert page.index("during.missing_of_iio") < page.index("before.cha_miss_ratio")


def test_too_few_groups_are_named(tmp_path: Any) -> None:
    told = refusal_of(trace_table(synthetic_dataset(groups=3, mixes=4)), tmp_path)
    assert f"{COUNT} on victim_group is not met: found 3; no single row is at fault; nothing was trained" in told


def test_a_table_without_a_column_is_refused(dataset: TraceDataset, tmp_path: Any) -> None:
    assert 'The column "co_runners"' in refusal_of(trace_table(dataset).drop(columns="co_runners"), tmp_path)
