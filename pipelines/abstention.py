"""When an axis is left undecided: Chow's rule, its threshold chosen on workloads that the classifier had not seen.

Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory 16, 1970: of all rules
that leave as many cases undecided, fewest of the decided are wrong under the one that leaves those whose more likely
answer is least likely. For two answers and calibrated probabilities that is a band about one half. Its width is the
only number that is chosen, so that little can be fitted to the windows that it is chosen on.
"""

import numpy as np
from numpy.typing import NDArray

from contracts.regime import Threshold

NARROWEST = 0.1
"""Half the width of the band is at least this: agents hold an axis where it jitters within the band."""

_WIDEST = 0.45
_STEP = 0.01
HALF_WIDTHS: tuple[float, ...] = tuple(np.round(np.arange(NARROWEST, _WIDEST + _STEP / 2, _STEP), 2).tolist())
"""The bands that are tried, the narrowest first."""

PRESSED, CLEAR, UNDECIDED = 1.0, 0.0, 0.5
"""What is said of an axis, as numbers."""

DoubleArray = NDArray[np.float64]


def chosen_threshold(
    probabilities: DoubleArray, pressed: DoubleArray, *, wrong_at_most: float, undecided_at_most: float
) -> Threshold:
    """The narrowest band outside of which at most ``wrong_at_most`` of the windows are wrong.

    Where no band within ``undecided_at_most`` gets there, the widest one within it; never narrower than ``NARROWEST``.

    Args:
        probabilities: float ``(n,)``, calibrated, 0 to 1, of windows with a workload that the classifier had not seen.
        pressed: float ``(n,)``, 1 or 0.
        wrong_at_most: share of the decided windows, 0 to 1.
        undecided_at_most: share of all windows, 0 to 1.
    """
    chosen = band(HALF_WIDTHS[0])
    for half_width in HALF_WIDTHS:
        tried = band(half_width)
        if (said(probabilities, tried) == UNDECIDED).mean() > undecided_at_most:
            break
        chosen = tried
        if wrong_share(probabilities, pressed, chosen) <= wrong_at_most:
            break
    return chosen


def band(half_width: float) -> Threshold:
    """The band about one half, half of it above and half below."""
    return Threshold(clear=round(0.5 - half_width, 6), pressed=round(0.5 + half_width, 6))


def said(probabilities: DoubleArray, threshold: Threshold) -> DoubleArray:
    """What the contract's rule makes of probabilities: ``PRESSED``, ``CLEAR`` or ``UNDECIDED``; NaN stays NaN."""
    answers = np.full(probabilities.shape, UNDECIDED)
    answers[probabilities >= threshold.pressed] = PRESSED
    answers[probabilities <= threshold.clear] = CLEAR
    answers[np.isnan(probabilities)] = np.nan
    return answers


def wrong_share(probabilities: DoubleArray, pressed: DoubleArray, threshold: Threshold) -> float:
    """Share of the decided windows that are decided wrongly; 0 where none is decided."""
    answers = said(probabilities, threshold)
    decided = answers != UNDECIDED
    return float((answers[decided] != pressed[decided]).mean()) if decided.any() else 0.0
