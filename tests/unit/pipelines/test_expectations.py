"""A failed expectation stops the training, and names itself, its column and the rows."""

from collections.abc import Callable

import pytest

from contracts.trace import LabelledTrace, Party
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.expectations import validate
from pipelines.trace_table import trace_table
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

pytestmark = pytest.mark.slow  # Great Expectations takes seven seconds to import


def with_row(dataset: TraceDataset, change: Callable[[LabelledTrace], LabelledTrace]) -> TraceDataset:
    """The dataset with its fourth row changed."""
    traces = list(dataset.traces)
    traces[3] = change(traces[3])
    return TraceDataset(traces=tuple(traces), profiles=dataset.profiles)


def test_lawful_traces_pass(dataset: TraceDataset) -> None:
    found = validate(dataset)
    assert found.rows == len(dataset.traces)
    assert found.expectations > 130


def test_the_table_has_a_column_a_feature_and_part(dataset: TraceDataset) -> None:
    table = trace_table(dataset)
    assert len(table) == len(dataset.traces)
    assert {"before.dram_utilisation", "during.lock_loads", "victim_group", "slowdown"} <= set(table.columns)


def test_a_window_that_is_too_long_is_named(dataset: TraceDataset) -> None:
    long = with_row(dataset, lambda trace: trace.model_copy(update={"window_length_ns": 10**12}))
    with pytest.raises(
        DataError,
        match=r"traces are refused: expect_column_values_to_be_between on window_seconds is not met: 1 row\(s\) fail, "
        r"rows 3 with 1000\.0; nothing was trained",
    ):
        validate(long)


def test_a_victim_among_its_own_co_runners_is_named(dataset: TraceDataset) -> None:
    def doubled(trace: LabelledTrace) -> LabelledTrace:
        twin = Party(key=trace.victim.key, profile=trace.victim.profile, group=trace.victim.group)
        return trace.model_copy(update={"co_runners": (*trace.co_runners, twin)})

    with pytest.raises(DataError, match=r"on own_co_runners is not met: .* rows 3 "):
        validate(with_row(dataset, doubled))


def test_a_row_from_before_its_profile_was_made_is_named(dataset: TraceDataset) -> None:
    early = with_row(dataset, lambda trace: trace.model_copy(update={"window_start_ns": 1}))
    with pytest.raises(DataError, match=r"on profile_is_younger is not met: .* rows 3 "):
        validate(early)


def test_a_feature_that_no_row_has_is_named(dataset: TraceDataset) -> None:
    bare = tuple(trace.model_copy(update={"before": (None, *trace.before[1:])}) for trace in dataset.traces)
    with pytest.raises(DataError, match=r"expect_column_values_to_not_be_null on before\.l3_miss_ratio is not met"):
        validate(TraceDataset(traces=bare, profiles=dataset.profiles))


def test_too_few_groups_are_named() -> None:
    with pytest.raises(DataError, match="on victim_group is not met: found 3"):
        validate(synthetic_dataset(groups=3, mixes=4))
