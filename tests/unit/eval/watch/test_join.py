"""Predictions and outcomes: each belongs to the latest before it, and all that is odd is counted."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.trace import LabelledTrace
from eval.watch.join import Joined, join, once_recorded
from eval.watch.prediction import RecordedPrediction
from eval.watch.trouble import Trouble
from tests.unit.eval.watch.site import BAD, KNOWN, MADE, window

SKEW = 30.0
SECOND = timedelta(seconds=1)


def prediction(at: datetime, bound: float = 1.5, *, group: str = "p", domain: str = "socket0") -> RecordedPrediction:
    return RecordedPrediction(
        at=at,
        pod_uid=f"uid-{group}",
        workload=KNOWN[group].key,
        node=f"spr-{group}",
        domain=domain,
        champion="sha256:" + "2" * 64,
        bound=bound,
        tolerance=1.2,
    )


def joined(outcomes: list[LabelledTrace], predictions: list[RecordedPrediction]) -> Joined:
    return join(outcomes, predictions, skew_seconds=SKEW)


def test_an_outcome_belongs_to_the_latest_prediction_before_its_window() -> None:
    found = joined(
        [window(MADE + 60 * SECOND), window(MADE + 600 * SECOND)],
        [prediction(MADE + 300 * SECOND, 2.0), prediction(MADE, 1.5)],
    )
    assert [one and one.bound for one in found.predictions] == [1.5, 2.0]
    assert not found.counts
    assert len(found.answered) == 2


def test_a_prediction_that_does_not_name_the_domain_is_of_the_whole_node() -> None:
    found = joined([window(MADE + 60 * SECOND)], [prediction(MADE, domain=""), prediction(MADE, domain="socket1")])
    assert found.predictions == (prediction(MADE, domain=""),)


def test_clocks_may_lie_apart_by_the_tolerance_and_no_more() -> None:
    near = joined([window(MADE)], [prediction(MADE + 30 * SECOND)])
    assert near.counts == {Trouble.SKEWED: 1}
    assert near.predictions == (prediction(MADE + 30 * SECOND),)
    far = joined([window(MADE)], [prediction(MADE + 31 * SECOND)])
    assert far.counts == {Trouble.NO_PREDICTION: 1}
    assert far.predictions == (None,)


def test_a_tolerance_never_wins_over_an_earlier_prediction() -> None:
    found = joined([window(MADE)], [prediction(MADE + SECOND, 9.0), prediction(MADE - 60 * SECOND, 1.5)])
    assert found.predictions[0] == prediction(MADE - 60 * SECOND, 1.5)
    assert not found.counts


def test_outcomes_reported_twice_count_once_and_contradictions_not_at_all() -> None:
    same, other = window(MADE), window(MADE, campaign="again")
    contradicting = [window(MADE + 60 * SECOND), window(MADE + 60 * SECOND, BAD)]
    found = joined([same, other, *contradicting], [prediction(MADE - SECOND)])
    assert found.outcomes == (same,)
    assert found.counts == {Trouble.TWICE: 1, Trouble.CONTRADICTED: 2}


def test_predictions_recorded_twice_are_one_and_the_highest_bound_stays() -> None:
    low, high = prediction(MADE, 1.5), prediction(MADE, 2.5)
    assert once_recorded([low, high, low]) == ((high,), 2)


def test_where_nothing_is_recorded_no_outcome_lacks_a_prediction() -> None:
    assert not joined([window(MADE)], []).counts


places = st.tuples(st.integers(0, 600), st.sampled_from("pq"))


@given(st.lists(places, max_size=12), st.lists(places, max_size=12), st.randoms())
def test_no_outcome_is_lost_and_order_does_not_matter(
    windows: list[tuple[int, str]], made: list[tuple[int, str]], random: object
) -> None:
    outcomes = [window(MADE + second * SECOND, group=group) for second, group in windows]
    predictions = list({prediction(MADE + second * SECOND, group=group) for second, group in made})
    found = joined(outcomes, predictions)
    assert len(found.outcomes) + found.counts.get(Trouble.TWICE, 0) == len(outcomes)
    assert len(found.predictions) == len(found.outcomes)
    for outcome, one in zip(found.outcomes, found.predictions, strict=True):
        if one is not None:
            assert one.workload == outcome.victim.key
            assert (one.at - MADE).total_seconds() - SKEW <= outcome.window_start_ns / 1e9 - MADE.timestamp()
    shuffled = joined(outcomes[::-1], [replace(one) for one in predictions[::-1]])
    assert shuffled.counts == found.counts
    assert shuffled.answered == found.answered
