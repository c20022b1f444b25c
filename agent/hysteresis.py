"""Keeps a domain's regime from flapping where a probability jitters about a threshold.

The contract's rule has no memory: a domain is what ``contracts.regime.judge`` says of the probabilities that are
published with it, and whoever reads a NodeState may apply the rule again. So the memory sits in front of the rule, in
the probabilities, as a Schmitt trigger (O. H. Schmitt, "A thermionic trigger", Journal of Scientific Instruments 15,
1938) with the contract's two thresholds: an axis that was pressed or clear stays so until its probability is nearer to
the other threshold, and until then its probability is published as the threshold that it hangs on to.

What follows from this:
- An axis becomes pressed, or clear, in the very window in which its probability gets there. Nothing is averaged, so a
  vector and its probabilities never tell of different windows.
- A probability is changed only between the thresholds, where the model is undecided, and by no more than half their
  distance.
- Swings narrower than half that distance change an axis' standing once at most, wherever they lie.
- Swings wider than that are no jitter but news. ``agent.pacing`` keeps those that do not last from costing a write.
"""

from collections.abc import Mapping
from enum import Enum, auto

from contracts.axis import Axis
from contracts.regime import Threshold


class Standing(Enum):
    """What the contract's rule makes of one axis."""

    CLEAR = auto()
    UNDECIDED = auto()
    PRESSED = auto()


class Hysteresis:
    """Remembers how each axis of each domain stood in its last window."""

    def __init__(self) -> None:
        self._standings: dict[tuple[str, Axis], Standing] = {}

    def settled(
        self, domain: str, probabilities: Mapping[Axis, float], thresholds: Mapping[Axis, Threshold]
    ) -> dict[Axis, float]:
        """A window's probabilities, held where they jitter. Asked once a window.

        Args:
            domain: whose window it is.
            probabilities: per axis, 0 to 1, or NaN.
            thresholds: per axis; the contract's default where absent.
        """
        default = Threshold()
        settled = {}
        for axis, probability in probabilities.items():
            threshold = thresholds.get(axis, default)
            settled[axis] = held(probability, threshold, self._standings.get((domain, axis)))
            self._standings[domain, axis] = standing(settled[axis], threshold)
        return settled


def held(probability: float, threshold: Threshold, before: Standing | None) -> float:
    """The probability, or the threshold that it still hangs on to.

    >>> held(0.55, Threshold(clear=0.4, pressed=0.6), Standing.PRESSED)
    0.6

    Args:
        probability: the window's, 0 to 1; NaN stays NaN.
        threshold: of its axis.
        before: how the axis stood in the window before, if there was one.
    """
    if standing(probability, threshold) is not Standing.UNDECIDED:
        return probability
    middle = (threshold.clear + threshold.pressed) / 2.0
    if before is Standing.PRESSED and probability >= middle:
        return threshold.pressed
    if before is Standing.CLEAR and probability <= middle:
        return threshold.clear
    return probability


def standing(probability: float, threshold: Threshold) -> Standing:
    """How an axis stands by itself; one that is not judged (NaN) is undecided."""
    if probability >= threshold.pressed:
        return Standing.PRESSED
    return Standing.CLEAR if probability <= threshold.clear else Standing.UNDECIDED
