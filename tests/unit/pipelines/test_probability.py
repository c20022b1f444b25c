"""Scores become probabilities that mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from contracts.axis import Axis
from contracts.bundle import AxisCalibration
from pipelines.probability import fit_calibration
from serving.regime_model import calibrated


def fitted(scores: np.ndarray, pressed: np.ndarray) -> AxisCalibration:
    return fit_calibration(Axis.LLC, scores=scores, pressed=pressed, wrong_at_most=0.01, undecided_at_most=0.05)


def test_overconfident_scores_are_drawn_in() -> None:
    random = np.random.default_rng(3)
    truth_odds = random.normal(0.0, 1.5, 6000)
    pressed = (random.random(6000) < expit(truth_odds)).astype(float)
    said = calibrated(expit(3.0 * truth_odds + 0.5), fitted(expit(3.0 * truth_odds + 0.5), pressed))
    for low in np.arange(0.0, 1.0, 0.2):
        bin_ = (said >= low) & (said < low + 0.2)
        assert pressed[bin_].mean() == pytest.approx(said[bin_].mean(), abs=0.05)


def test_a_classifier_that_knows_nothing_gets_the_base_rate() -> None:
    random = np.random.default_rng(4)
    pressed = (random.random(500) < 0.2).astype(float)
    backwards = np.where(pressed == 1.0, 0.2, 0.8) + random.normal(0.0, 0.01, 500)
    said = calibrated(np.linspace(0.0, 1.0, 11), fitted(backwards, pressed))
    assert said == pytest.approx(np.full(11, pressed.mean()), abs=0.01)


def test_perfect_scores_stay_finite_and_short_of_certainty() -> None:
    said = calibrated(np.array([0.05, 0.95]), fitted(np.array([0.05] * 20 + [0.95] * 20), np.repeat([0.0, 1.0], 20)))
    assert 0.0 < said[0] < 0.1
    assert 0.9 < said[1] < 1.0


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_any_scores_give_a_lawful_table(rows: list[tuple[float, bool]]) -> None:
    table = fitted(np.array([score for score, _ in rows]), np.array([float(pressed) for _, pressed in rows]))
    assert table.scores[0] == 0.0
    assert table.scores[-1] == 1.0
    assert (np.diff(table.probabilities) >= 0.0).all()
