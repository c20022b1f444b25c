"""The map from ratios to scores, as properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_extender.scoring import HIGHEST, LOWEST_BEST, NEUTRAL_LOW, node_scores, tie_breaker

ratios = st.floats(0.1, 10.0)


def scores_of(ratio: list[float], *, tie: list[float] | None = None, quiet: list[bool] | None = None) -> list[int]:
    """Scores of nodes whose ratios all count."""
    count = len(ratio)
    everywhere = np.ones(count, dtype=np.bool_)
    found: list[int] = node_scores(
        ratio=np.array(ratio),
        tie=np.zeros(count) if tie is None else np.array(tie),
        known=everywhere,
        predicted=everywhere,
        quiet=np.zeros(count, dtype=np.bool_) if quiet is None else np.array(quiet),
    ).tolist()
    return found


@given(st.lists(st.tuples(ratios, st.floats(0, 1)), min_size=1, max_size=30))
def test_scores_are_integers_from_0_to_10(nodes: list[tuple[float, float]]) -> None:
    found = scores_of([ratio for ratio, _ in nodes], tie=[tie for _, tie in nodes])
    assert all(type(score) is int and 0 <= score <= HIGHEST for score in found)


@given(st.lists(ratios, min_size=1, max_size=30))
def test_a_worse_ratio_never_scores_higher(ratio: list[float]) -> None:
    by_ratio = [score for _, score in sorted(zip(ratio, scores_of(ratio), strict=True), key=lambda pair: pair[0])]
    assert by_ratio == sorted(by_ratio, reverse=True)
    assert max(by_ratio) >= LOWEST_BEST


@given(st.lists(ratios, min_size=1, max_size=10), st.data())
def test_a_node_that_gets_worse_never_scores_higher(ratio: list[float], data: st.DataObject) -> None:
    node = data.draw(st.integers(0, len(ratio) - 1))
    worse = list(ratio)
    worse[node] = data.draw(st.floats(ratio[node], 20.0))
    assert scores_of(worse)[node] <= scores_of(ratio)[node]


@given(st.lists(ratios, min_size=2, max_size=10), st.data())
def test_a_tie_breaker_never_turns_more_than_one_point_around(ratio: list[float], data: st.DataObject) -> None:
    tie = data.draw(st.lists(st.floats(0, 1), min_size=len(ratio), max_size=len(ratio)))
    found = scores_of(ratio, tie=tie)
    for better in range(len(ratio)):
        for worse in range(len(ratio)):
            if ratio[worse] > ratio[better] * 1.05:
                assert found[worse] <= found[better]


@pytest.mark.parametrize("level", [0.5, 0.9, 1.4, 2.7, 6.0])
def test_the_least_contended_node_wins_at_whatever_height_bounds_lie(level: float) -> None:
    best, close, worse = scores_of([level, level * 1.06, level * 1.6])
    assert best > close > worse


def test_the_best_node_scores_10_while_every_tolerance_holds_and_less_the_worse_it_is() -> None:
    assert [scores_of([ratio])[0] for ratio in (0.5, 1.0, 1.5, 2.5, 5.0, 10.0)] == [10, 10, 9, 7, 4, LOWEST_BEST]


def test_among_equal_bounds_what_is_seen_decides() -> None:
    quiet, pressed = scores_of([8.0, 8.0], tie=[0.0, 1.0])
    assert quiet == pressed + 1


def test_no_known_node_makes_all_alike() -> None:
    nobody = np.zeros(4, dtype=np.bool_)
    predicted = np.array([True, True, False, False])
    found = node_scores(
        ratio=np.array([1.0, 9.0, np.nan, 1.0]), tie=np.zeros(4), known=nobody, predicted=predicted, quiet=nobody
    )
    assert found.tolist() == [NEUTRAL_LOW] * 4


@given(
    st.lists(st.tuples(ratios, st.floats(0, 1), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=20)
)
def test_a_node_not_known_scores_low_and_never_above_a_fresh_quiet_one(
    nodes: list[tuple[float, float, bool, bool, bool]],
) -> None:
    ratio, tie, is_known, is_predicted, is_quiet = zip(*nodes, strict=True)
    known, quiet = np.array(is_known), np.array(is_quiet)
    found = node_scores(
        ratio=np.array(ratio), tie=np.array(tie), known=known, predicted=known | np.array(is_predicted), quiet=quiet
    )
    unknown = found[~known]
    assert (unknown <= NEUTRAL_LOW).all()
    fresh_and_quiet = found[known & quiet]
    if len(unknown) and len(fresh_and_quiet):
        assert unknown.max() <= fresh_and_quiet.min()


def test_an_old_prediction_can_only_lower_a_node() -> None:
    stale, absent, known = node_scores(
        ratio=np.array([9.0, np.nan, 1.0]),
        tie=np.zeros(3),
        known=np.array([False, False, True]),
        predicted=np.array([True, False, True]),
        quiet=np.array([False, False, True]),
    ).tolist()
    assert (stale, absent, known) == (0, NEUTRAL_LOW, 10)


@given(st.floats(1.0, 50.0), st.floats(0, 1))
def test_a_tie_breaker_is_a_share_of_one_point(median: float, pressed: float) -> None:
    found = tie_breaker(np.array([median, median * 1.1]), np.array([pressed, pressed]))
    assert 0.0 <= found[0] <= found[1] <= 1.0
