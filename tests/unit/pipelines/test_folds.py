"""No row is trained on that has a party of a held-out group."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.folds import STRESSOR_GROUP, folds_of, workload_groups
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

TRACES = synthetic_dataset(groups=9, mixes=40).traces


@settings(max_examples=50, deadline=None)
@given(at_most=st.integers(2, 12), data=st.data())
def test_what_may_be_trained_on_never_meets_what_is_held_out(at_most: int, data: st.DataObject) -> None:
    folds = folds_of(TRACES, at_most=at_most)
    held_out = data.draw(st.sets(st.integers(0, len(folds.folds) - 1), min_size=1, max_size=2))
    unseen = frozenset().union(*(folds.folds[fold] for fold in held_out))
    for trace, kept in zip(TRACES, folds.without(held_out), strict=True):
        assert kept == (not trace.groups & unseen)


@given(at_most=st.integers(2, 12))
def test_each_group_is_in_exactly_one_fold(at_most: int) -> None:
    folds = folds_of(TRACES, at_most=at_most).folds
    assert sorted(group for fold in folds for group in fold) == list(workload_groups(TRACES))
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_with_room_enough_each_group_is_a_fold_of_its_own() -> None:
    assert all(len(fold) == 1 for fold in folds_of(TRACES, at_most=10).folds)


def test_stressors_are_never_held_out() -> None:
    assert any(STRESSOR_GROUP in trace.groups for trace in TRACES)
    assert STRESSOR_GROUP not in workload_groups(TRACES)


def test_holding_nothing_out_keeps_all_rows() -> None:
    assert folds_of(TRACES, at_most=10).without(()).all()


def test_too_few_groups_are_refused() -> None:
    few: TraceDataset = synthetic_dataset(groups=3, mixes=4)
    with pytest.raises(DataError, match=r"3 workload group\(s\) \(group-00, group-01, group-02\) can't be held out"):
        folds_of(few.traces, at_most=10)
