"""The last-level cache: miss-ratio curves, and who holds how much of it.

Under random replacement a line's chance to go is the same for all lines of a way, so in equilibrium each sharer of a
way holds as much of it as it inserts while a line stays: insertions times residence (Xu et al., "Cache contention and
application performance prediction for multi-core systems", ISPASS 2010; Little's law). Nobody holds more than all that
it goes back to. Insertions in turn follow from the miss ratio at that occupancy: the fixed point of the two is found
with all else in ``eval.testbed.equilibrium``. Which ways a sharer inserts into says ``eval.testbed.ways``.
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import LINE_BYTES

DoubleArray = NDArray[np.float64]

LEFT_OVER_SECONDS = 20.0
"""In this time lines that belong to none of the tenants would fill the cache, so that a line's residence has an end
even where all that the tenants go back to fits (*assumed*; who inserts a cacheful in less time hardly notices)."""

LEAST_INSERTIONS = 1.0
"""Lines a second; a stream that never misses still has its place in a division."""
_CORNER = 8.0
"""How sharply a sharer's occupancy ends at its footprint: no line is used exactly as often as the others, so the last
ones take longer. At twice the insertions that would just fill it, less than a thousandth is missing."""


def miss_ratio(
    held: DoubleArray, footprint: DoubleArray, steepness: DoubleArray, compulsory: DoubleArray
) -> DoubleArray:
    """``compulsory + (1 - compulsory) (1 - (held / footprint)^steepness)``: falls from 1 to ``compulsory``.

    Args:
        held: of the cache, in the unit of ``footprint``.
        footprint: what the sharer goes back to.
        steepness, compulsory: of its curve, see ``eval.testbed.behaviour``.
    """
    part = np.minimum(held / footprint, 1.0)
    return np.asarray(1.0 - (1.0 - compulsory) * part**steepness)


def occupancy(
    insertions: DoubleArray, residence: DoubleArray, spread: DoubleArray, footprint: DoubleArray
) -> DoubleArray:
    """What each sharer holds of each part of the cache.

    Args:
        insertions: ``(trials, sharers)``, lines a second.
        residence: ``(trials, parts)``, seconds that a line stays.
        spread: ``(sharers, parts)``, share of a sharer's insertions that goes to each part.
        footprint: ``(sharers,)``, in bytes; one that would hold more holds that much, in the same proportions.

    Returns:
        Bytes, ``(trials, sharers, parts)``.
    """
    wanted = LINE_BYTES * insertions[:, :, None] * spread * residence[:, None, :]
    total = wanted.sum(axis=2, keepdims=True)
    return np.asarray(wanted / (1.0 + (total / footprint[:, None]) ** _CORNER) ** (1.0 / _CORNER))


def filled(held: DoubleArray, residence: DoubleArray, capacity: DoubleArray) -> DoubleArray:
    """How full each part is at a residence: 1 in equilibrium, more where lines can't stay as long.

    Args:
        held: ``(trials, sharers, parts)`` in bytes.
        residence: ``(trials, parts)`` in seconds.
        capacity: ``(parts,)`` in bytes.
    """
    return np.asarray(held.sum(axis=1) / capacity + residence / LEFT_OVER_SECONDS)
