"""Margins worked out by hand, and validity on groups that were never seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.conformal import margin, supported_rate
from pipelines.errors import DataError


def test_each_group_weighs_the_same_however_many_rows_it_has() -> None:
    scores = [0.0] * 1000 + [1.0, 2.0, 3.0]
    groups = ["many"] * 1000 + ["one", "two", "three"]
    # four groups: each weighs 1/5, infinity 1/5
    assert margin(scores, groups, rate=0.2) == 0.0
    assert margin(scores, groups, rate=0.4) == 1.0
    assert margin(scores, groups, rate=0.6) == 2.0
    assert margin(scores, groups, rate=0.8) == 3.0


def test_within_a_group_the_weight_is_split() -> None:
    # two groups of two rows: each row weighs 1/6
    assert margin([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"], rate=1 / 6) == 1.0
    assert margin([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"], rate=0.5) == 3.0
    assert margin([1.0, 2.0, 3.0, 4.0], ["a", "b", "a", "b"], rate=2 / 3) == 4.0


@pytest.mark.parametrize(("groups", "rate"), [(4, 0.81), (9, 0.95), (1, 0.6)])
def test_a_rate_that_the_groups_do_not_support_is_refused(groups: int, rate: float) -> None:
    names = [str(index) for index in range(groups)]
    with pytest.raises(DataError, match=rf"{rate:g} can't be calibrated over {groups} workload group"):
        margin([0.0] * groups, names, rate=rate)


@given(st.integers(1, 40))
def test_the_supported_rate_itself_is_accepted_and_takes_the_worst_row(groups: int) -> None:
    scores = np.arange(groups, dtype=np.float64)
    assert margin(scores, [str(i) for i in range(groups)], rate=supported_rate(groups)) == groups - 1


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.sampled_from("abcde")), min_size=1, max_size=60),
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.5),
)
def test_margins_rise_with_the_rate_and_follow_a_shift(
    rows: list[tuple[float, str]], one_rate: float, other_rate: float
) -> None:
    scores, groups = [score for score, _ in rows], [group for _, group in rows]
    low, high = sorted((one_rate, other_rate))
    assert margin(scores, groups, rate=low) <= margin(scores, groups, rate=high)
    shifted = [score + 2.0 for score in scores]
    assert margin(shifted, groups, rate=low) == pytest.approx(margin(scores, groups, rate=low) + 2.0)


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.9])
def test_it_holds_for_new_groups_at_the_stated_rate_where_a_row_wise_quantile_does_not(rate: float) -> None:
    """Nine groups with their own level and size calibrate, a tenth is judged; two thousand times."""
    random = np.random.default_rng(7)
    held, held_by_rows = [], []
    for _ in range(2000):
        levels = random.normal(0.0, 1.0, 10)
        sizes = random.integers(2, 60, 10)
        groups = np.repeat(np.arange(9), sizes[:9])
        scores = levels[groups] + random.normal(0.0, 0.3, len(groups))
        new = levels[9] + random.normal(0.0, 0.3, sizes[9])
        held.append((new <= margin(scores, groups.astype(str).tolist(), rate=rate)).mean())
        held_by_rows.append((new <= np.quantile(scores, rate)).mean())
    error = 3.0 * float(np.std(held)) / np.sqrt(len(held))
    assert np.mean(held) >= rate - error
    assert np.mean(held) <= rate + 1.0 / 10 + error
    assert np.mean(held_by_rows) < np.mean(held)
