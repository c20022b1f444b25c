"""What the memory in front of the contract's rule may do, and what it may not."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.hysteresis import Hysteresis, Standing, held, standing
from contracts.axis import Axis
from contracts.regime import Regime, Threshold, judge

LLC = Axis.LLC
PROBABILITY = st.floats(0.0, 1.0)
MIDDLE = Threshold(clear=0.4, pressed=0.6)


@st.composite
def thresholds(draw: st.DrawFn) -> Threshold:
    clear, pressed = sorted((draw(PROBABILITY), draw(PROBABILITY)))
    assume(clear < pressed)
    return Threshold(clear=clear, pressed=pressed)


def settled(probabilities: list[float], threshold: Threshold = MIDDLE) -> list[float]:
    """One axis of one domain, window after window."""
    hysteresis = Hysteresis()
    return [hysteresis.settled("socket0", {LLC: p}, {LLC: threshold})[LLC] for p in probabilities]


def regimes(probabilities: list[float]) -> list[Regime]:
    """What is published: the contract's rule on what was settled."""
    return [judge({LLC: p}, present_features=30, characterised=True).regime for p in settled(probabilities)]


def changes(standings: list[Standing]) -> int:
    return sum(before is not after for before, after in pairwise(standings))


@given(threshold=thresholds(), data=st.data())
def test_jitter_narrower_than_half_the_band_changes_a_standing_once_at_most(
    threshold: Threshold, data: st.DataObject
) -> None:
    width = (threshold.pressed - threshold.clear) / 2.0
    lowest = data.draw(st.floats(0.0, 1.0 - width))
    jitter = st.floats(lowest, min(lowest + width * 0.999, 1.0))
    found = settled(data.draw(st.lists(jitter, min_size=2, max_size=30)), threshold)
    assert changes([standing(probability, threshold) for probability in found]) <= 1


@given(threshold=thresholds(), before=st.sampled_from([None, *Standing]), probability=PROBABILITY)
def test_a_probability_is_changed_only_within_the_band_and_by_half_of_it_at_most(
    threshold: Threshold, before: Standing | None, probability: float
) -> None:
    found = held(probability, threshold, before)
    if found != probability:
        assert threshold.clear < probability < threshold.pressed
        assert abs(found - probability) <= (threshold.pressed - threshold.clear) / 2.0 * (1.0 + 1e-12)
        assert standing(found, threshold) is before


@given(history=st.lists(PROBABILITY), threshold=thresholds(), probability=PROBABILITY)
def test_what_is_over_a_threshold_is_so_in_the_very_window(
    history: list[float], threshold: Threshold, probability: float
) -> None:
    assume(standing(probability, threshold) is not Standing.UNDECIDED)
    assert settled([*history, probability], threshold)[-1] == probability


@given(history=st.lists(PROBABILITY), probability=PROBABILITY)
def test_a_lasting_change_is_through_after_one_window(history: list[float], probability: float) -> None:
    """What stays where it is has the same standing from the first window on."""
    found = settled([*history, probability, probability, probability])
    assert found[-1] == found[-2] == found[-3]


def test_the_published_regime_follows_from_the_published_probabilities() -> None:
    jittering = [0.61, 0.58, 0.62, 0.55, 0.60, 0.51]
    assert regimes(jittering) == [Regime.LLC] * 6
    alone = [judge({LLC: p}, present_features=30, characterised=True).regime for p in jittering]
    assert set(alone) == {Regime.LLC, Regime.UNKNOWN}


def test_between_the_thresholds_it_still_abstains() -> None:
    assert regimes([0.5, 0.55, 0.45]) == [Regime.UNKNOWN] * 3
    assert regimes([0.7, 0.49, 0.55, 0.6]) == [Regime.LLC, Regime.UNKNOWN, Regime.UNKNOWN, Regime.LLC]
    assert regimes([0.1, 0.49, 0.51, 0.45]) == [Regime.QUIET, Regime.QUIET, Regime.UNKNOWN, Regime.UNKNOWN]


def test_domains_and_axes_are_remembered_apart() -> None:
    hysteresis = Hysteresis()
    hysteresis.settled("socket0", {LLC: 0.9, Axis.UPI: 0.1}, {})
    assert hysteresis.settled("socket1", {LLC: 0.55}, {}) == {LLC: 0.55}
    assert hysteresis.settled("socket0", {LLC: 0.55, Axis.UPI: 0.45}, {}) == {LLC: 0.6, Axis.UPI: 0.4}


def test_an_axis_that_is_not_judged_stays_so_and_is_not_remembered() -> None:
    hysteresis = Hysteresis()
    hysteresis.settled("socket0", {LLC: 0.9}, {})
    assert math.isnan(hysteresis.settled("socket0", {LLC: math.nan}, {})[LLC])
    assert hysteresis.settled("socket0", {LLC: 0.55}, {}) == {LLC: 0.55}


def test_thresholds_so_near_that_nothing_lies_between_them() -> None:
    threshold = Threshold(clear=0.5, pressed=math.nextafter(0.5, 1.0))
    assert settled([0.5, threshold.pressed, 0.5], threshold) == [0.5, threshold.pressed, 0.5]


@pytest.mark.parametrize("before", [None, Standing.UNDECIDED])
def test_without_a_standing_to_keep_nothing_is_changed(before: Standing | None) -> None:
    assert held(0.55, MIDDLE, before) == 0.55
