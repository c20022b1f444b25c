"""From predicted ratios to kube-scheduler's 0 to 10. The formula and its reasons stand in docs/adr/0005-scoring.md."""

import math

import numpy as np
from numpy.typing import NDArray

from contracts.slowdown import SLOWDOWN_CEILING

HIGHEST = 10
LOWEST = 0
NEUTRAL_LOW = 3
"""The score of a node that nothing can be said of, as long as no fresh quiet node scores lower."""
LOWEST_BEST = 2
"""The score of the best node where even there a party would be slowed down to the ceiling."""
POINT = math.log(1.05)
"""One point less for each 5 % by which a node's ratio is worse than the best one's."""

DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def tie_breaker(median: DoubleArray, pressed: DoubleArray) -> DoubleArray:
    """What tells nodes apart whose bounds are alike, at most one point: half of what is likely, half of what is seen.

    Args:
        median: the worst predicted median slowdown of any party, 1 or more.
        pressed: the highest probability of an axis, 0 to 1.

    Returns:
        0 to 1.
    """
    likely = np.log(np.clip(median, 1.0, SLOWDOWN_CEILING)) / math.log(SLOWDOWN_CEILING)
    return np.asarray(0.5 * likely + 0.5 * pressed, dtype=np.float64)


def node_scores(
    *, ratio: DoubleArray, tie: DoubleArray, known: BoolArray, predicted: BoolArray, quiet: BoolArray
) -> NDArray[np.int64]:
    """Scores of the nodes that one request asks about.

    Args:
        ratio: the worst ratio of a party's bound to its tolerance, above 0.
        tie: see ``tie_breaker``.
        known: the ratio stands on a fresh state of a characterised and decided node.
        predicted: there is a ratio at all; where it is not ``known``, it can only lower the node's score.
        quiet: no axis is pressed.

    Returns:
        int64, 0 to 10.
    """
    scores = np.full(len(ratio), NEUTRAL_LOW, dtype=np.int64)
    if not known.any():
        return scores
    excess = np.log(np.where(predicted, ratio, 1.0))
    points_lost = excess / POINT + tie
    best = points_lost[known].min()
    own = np.clip(_best_score(best * POINT) - np.rint(points_lost - best), LOWEST, HIGHEST).astype(np.int64)
    fresh_and_quiet = known & quiet
    neutral = min(NEUTRAL_LOW, int(own[fresh_and_quiet].min())) if fresh_and_quiet.any() else NEUTRAL_LOW
    scores[:] = neutral
    scores[predicted] = np.minimum(own, neutral)[predicted]
    scores[known] = own[known]
    return scores


def _best_score(excess: float) -> float:
    """Of the best node: 10 while every tolerance holds, then falling with the logarithm of the ratio."""
    share = min(max(excess / math.log(SLOWDOWN_CEILING), 0.0), 1.0)
    return float(np.rint(HIGHEST - (HIGHEST - LOWEST_BEST) * share))
