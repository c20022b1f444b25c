"""How often held-out windows of one regime were judged another: the confusion matrix that Kubeflow's page shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.regime import Regime
from pipelines.predictions import HeldOutRegimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A confusion matrix over regimes.

    Attributes:
        regimes: names of rows and columns; those that occur, in the contract's order.
        counts: windows, ``[labelled][judged]``.
        unlabelled: windows that are left out, since nobody can say which regime they were.
    """

    regimes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    unlabelled: int


def confusion_of(regimes: HeldOutRegimes) -> Confusion:
    """Count held-out windows by labelled and judged regime; a window counts once for each group held out of it."""
    labelled = [
        _labelled(row, judged) for row, judged in zip(regimes.pressed, ~np.isnan(regimes.probability), strict=True)
    ]
    pairs = [(label, said) for label, said in zip(labelled, regimes.regime.tolist(), strict=True) if label is not None]
    occurring = {regime for pair in pairs for regime in pair}
    names = tuple(regime.value for regime in Regime if regime.value in occurring)
    position = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for label, said in pairs:
        counts[position[label], position[said]] += 1
    return Confusion(
        regimes=names, counts=tuple(tuple(row) for row in counts.tolist()), unlabelled=len(labelled) - len(pairs)
    )


def _labelled(pressed: NDArray[np.float64], judged: NDArray[np.bool_]) -> str | None:
    """The contract's word for a label, over the axes that are judged; ``None`` where an unknown axis would decide."""
    known = [axis for axis, label in zip(AXES, pressed.tolist(), strict=True) if label == 1.0]
    if len(known) > 1:
        return Regime.MIXED.value
    if np.isnan(pressed[judged]).any():
        return None
    return known[0].value if known else Regime.QUIET.value
