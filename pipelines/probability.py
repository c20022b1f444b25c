"""From a classifier's score to a probability: Platt's sigmoid on held-out scores, as the bundle's table.

Platt, "Probabilistic outputs for support vector machines", 1999, with his targets that keep few examples from claiming
certainty; fitted on log-odds. Two parameters, since some dozens of pressed windows are too few for isotonic steps.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from contracts.axis import Axis
from contracts.bundle import AxisCalibration
from pipelines.abstention import chosen_threshold

_CLOSEST = 1e-6
"""Scores are cut off this near to 0 and 1, where log-odds end."""
_GRID = np.linspace(-8.0, 8.0, 65)
_STEPS = 50
_SETTLED = 1e-6
_RIDGE = 1e-3
"""Keeps a slope finite where scores part the windows perfectly."""


def fit_calibration(
    axis: Axis, *, scores: ArrayLike, pressed: ArrayLike, wrong_at_most: float, undecided_at_most: float
) -> AxisCalibration:
    """Fit the table of one axis.

    Args:
        axis: whose scores they are.
        scores: float ``(n,)``, 0 to 1, each by a model that did not see the window's groups.
        pressed: float ``(n,)``, 1 or 0.
        wrong_at_most, undecided_at_most: what the thresholds are chosen for, see ``pipelines.abstention``.
    """
    odds = _log_odds(scores)
    truth = np.asarray(pressed, dtype=np.float64)
    slope, offset = _sigmoid(odds, truth)
    inner = expit(_GRID)
    points = np.concatenate([[0.0], inner, [1.0]])
    probabilities = np.maximum.accumulate(expit(slope * _log_odds(points) + offset))
    threshold = chosen_threshold(
        np.interp(np.asarray(scores, dtype=np.float64), points, probabilities),
        truth,
        wrong_at_most=wrong_at_most,
        undecided_at_most=undecided_at_most,
    )
    return AxisCalibration(
        axis=axis,
        scores=tuple(points.tolist()),
        probabilities=tuple(probabilities.tolist()),
        clear=threshold.clear,
        pressed=threshold.pressed,
    )


def _log_odds(scores: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(np.asarray(scores, dtype=np.float64), _CLOSEST, 1.0 - _CLOSEST)))


def _sigmoid(odds: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset of least log loss, by Newton's method; a classifier that knows nothing gets the base rate."""
    positives = truth.sum()
    negatives = len(truth) - positives
    target = np.where(truth == 1.0, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))
    design = np.column_stack([odds, np.ones_like(odds)])
    parameters = np.array([0.0, logit(target.mean())])
    base = parameters.copy()
    for _ in range(_STEPS):
        said = expit(design @ parameters)
        slopes = design.T @ (target - said) - _RIDGE * (parameters - base)
        curvature = design.T @ (design * (said * (1.0 - said))[:, None]) + _RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slopes)
        parameters += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _SETTLED:
            break
    slope, offset = parameters.tolist()
    return (slope, offset) if slope > 0.0 else (0.0, float(base[1]))
