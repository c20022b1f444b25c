"""The undecided band is as narrow as it can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.regime import Threshold
from pipelines.abstention import HALF_WIDTHS, NARROWEST, UNDECIDED, band, chosen_threshold, said, wrong_share

SHARES = st.floats(0.0, 1.0)
WINDOWS = st.lists(st.tuples(SHARES, st.sampled_from([0.0, 1.0])), min_size=1, max_size=60)


def columns(windows: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    probabilities, pressed = np.array(windows).T
    return probabilities, pressed


def undecided_share(probabilities: np.ndarray, threshold: Threshold) -> float:
    return float((said(probabilities, threshold) == UNDECIDED).mean())


@given(WINDOWS, SHARES, SHARES)
def test_either_few_are_wrong_or_a_step_wider_would_leave_too_many_undecided(
    windows: list[tuple[float, float]], wrong: float, undecided: float
) -> None:
    probabilities, pressed = columns(windows)
    found = chosen_threshold(probabilities, pressed, wrong_at_most=wrong, undecided_at_most=undecided)
    position = HALF_WIDTHS.index(round(found.pressed - 0.5, 2))
    if position > 0:
        assert undecided_share(probabilities, found) <= undecided
        assert wrong_share(probabilities, pressed, band(HALF_WIDTHS[position - 1])) > wrong
    if wrong_share(probabilities, pressed, found) > wrong and position + 1 < len(HALF_WIDTHS):
        assert undecided_share(probabilities, band(HALF_WIDTHS[position + 1])) > undecided or (
            position == 0 and undecided_share(probabilities, found) > undecided
        )


@given(WINDOWS, SHARES, SHARES)
def test_to_allow_fewer_wrong_ones_never_narrows_the_band(
    windows: list[tuple[float, float]], wrong: float, undecided: float
) -> None:
    probabilities, pressed = columns(windows)
    strict, lax = (
        chosen_threshold(probabilities, pressed, wrong_at_most=share, undecided_at_most=undecided)
        for share in (wrong / 2, wrong)
    )
    assert strict.pressed >= lax.pressed
    assert strict.clear <= lax.clear


def test_perfect_probabilities_get_the_narrowest_band_and_confused_ones_a_wider() -> None:
    pressed = np.repeat([0.0, 1.0], 50)
    perfect = chosen_threshold(pressed, pressed, wrong_at_most=0.0, undecided_at_most=0.5)
    assert (perfect.clear, perfect.pressed) == (0.5 - NARROWEST, 0.5 + NARROWEST)
    confused = np.concatenate([np.full(45, 0.05), np.full(5, 0.75), np.full(5, 0.25), np.full(45, 0.95)])
    wider = chosen_threshold(confused, pressed, wrong_at_most=0.0, undecided_at_most=0.5)
    assert (wider.clear, wider.pressed) == pytest.approx((0.24, 0.76))


def test_an_axis_that_is_not_judged_is_said_to_be_nothing() -> None:
    found = said(np.array([np.nan, 0.4, 0.5, 0.6]), band(NARROWEST))
    assert np.array_equal(found, [np.nan, 0.0, UNDECIDED, 1.0], equal_nan=True)
