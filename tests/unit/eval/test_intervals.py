import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from eval.errors import EvaluationError
from eval.intervals import exact_share, mean_over_runs, share_of_alike

CONFIDENCE = 0.9
VALUES = st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=12)


def test_no_success_in_ten_still_allows_a_quarter() -> None:
    interval = exact_share(0, 10, confidence=CONFIDENCE)
    assert (interval.value, interval.lower) == (0.0, 0.0)
    assert interval.upper == pytest.approx(1.0 - 0.05 ** (1 / 10))


@given(st.integers(1, 40).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_a_share_lies_in_its_interval_and_mirrors_its_failures(counts: tuple[int, int]) -> None:
    successes, trials = counts
    found, mirrored = (
        exact_share(successes, trials, confidence=0.9),
        exact_share(trials - successes, trials, confidence=0.9),
    )
    assert 0.0 <= found.lower <= found.value <= found.upper <= 1.0
    assert found.lower == pytest.approx(1.0 - mirrored.upper, abs=1e-9)


@given(st.integers(2, 25), st.floats(0.01, 0.99))
def test_the_exact_interval_covers_at_least_as_often_as_it_says(trials: int, share: float) -> None:
    covered = 0.0
    for successes in range(trials + 1):
        interval = exact_share(successes, trials, confidence=CONFIDENCE)
        if interval.lower <= share <= interval.upper:
            covered += float(binom.pmf(successes, trials, share))
    assert covered >= CONFIDENCE - 1e-9


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 4), (0, 0)])
def test_what_is_no_share_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(EvaluationError, match=f"{successes} of {trials} is no share"):
        exact_share(successes, trials, confidence=CONFIDENCE)


def test_students_interval_of_three_runs() -> None:
    interval = mean_over_runs([1.0, 2.0, 3.0], confidence=0.9)
    assert interval.value == 2.0
    assert interval.upper - 2.0 == pytest.approx(2.919986 / math.sqrt(3), rel=1e-5)
    assert interval.lower + interval.upper == pytest.approx(4.0)


@given(VALUES, st.floats(-3.0, 3.0), st.floats(0.1, 4.0))
def test_an_interval_moves_and_grows_with_its_values(values: list[float], shift: float, scale: float) -> None:
    plain = mean_over_runs(values, confidence=CONFIDENCE)
    moved = mean_over_runs([shift + scale * value for value in values], confidence=CONFIDENCE)
    assert moved.lower == pytest.approx(shift + scale * plain.lower, abs=1e-6)
    assert moved.upper == pytest.approx(shift + scale * plain.upper, abs=1e-6)


@given(VALUES)
def test_more_confidence_is_wider(values: list[float]) -> None:
    assume(max(values) - min(values) > 1e-3)
    narrow, wide = (mean_over_runs(values, confidence=confidence) for confidence in (0.8, 0.95))
    assert wide.lower < narrow.lower <= narrow.value <= narrow.upper < wide.upper


def test_one_run_has_no_interval() -> None:
    with pytest.raises(EvaluationError, match=r"1 run\(s\) give no interval: play two at least"):
        mean_over_runs([0.5], confidence=CONFIDENCE)


@given(trials=st.integers(1, 400), data=st.data())
def test_rows_that_are_each_a_cluster_of_their_own_have_the_exact_interval(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    alike = share_of_alike(successes / trials, trials, confidence=0.9)
    exact = exact_share(successes, trials, confidence=0.9)
    assert (alike.lower, alike.upper) == pytest.approx((exact.lower, exact.upper), abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(rows=st.integers(1, 1000), data=st.data(), clusters=st.integers(1, 500))
def test_a_share_lies_in_its_interval_which_more_clusters_narrow(rows: int, data: st.DataObject, clusters: int) -> None:
    share = data.draw(st.integers(0, rows)) / rows
    one, more = (share_of_alike(share, number, confidence=0.9) for number in (clusters, 10 * clusters))
    for figure in (one, more):
        assert 0.0 <= figure.lower <= share <= figure.upper <= 1.0
    assert more.upper - more.lower < one.upper - one.lower


def test_a_whole_share_of_few_is_not_certain() -> None:
    assert share_of_alike(1.0, 5, confidence=0.9).lower == pytest.approx(0.05 ** (1 / 5))
