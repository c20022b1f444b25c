"""The last-level cache: miss-ratio curves, and who holds how much of it.

Under random replacement a line's chance to go is the same for all, so in equilibrium each sharer holds cache in
proportion to what it inserts, as long as it does not hold all that it goes back to (Xu et al., "Cache contention and
application performance prediction for multi-core systems", ISPASS 2010). Insertions in turn follow from the miss ratio
at that occupancy: the fixed point of the two is found with all else in ``eval.testbed.equilibrium``.
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]


def miss_ratio(
    occupied_bytes: DoubleArray, footprint_bytes: DoubleArray, steepness: DoubleArray, compulsory: DoubleArray
) -> DoubleArray:
    """``compulsory + (1 - compulsory) (1 - (occupied / footprint)^steepness)``: falls from 1 to ``compulsory``."""
    held = np.minimum(occupied_bytes / footprint_bytes, 1.0)
    return np.asarray(1.0 - (1.0 - compulsory) * held**steepness)


_ROUNDING = 1e-9
"""Footprints that fill the cache to the last byte fit, in whatever order they were added up."""


def shared_cache(insertions: DoubleArray, footprints: DoubleArray, capacity: float) -> DoubleArray:
    """Occupancy in proportion to insertions, each sharer's capped at its footprint, together at most the capacity.

    Args:
        insertions: ``(..., sharers)``, lines a second, above zero.
        footprints: ``(sharers,)`` in bytes, above zero.
        capacity: in bytes.

    Returns:
        Bytes, shaped as ``insertions``.
    """
    if footprints.sum() <= capacity * (1.0 + _ROUNDING):
        return np.broadcast_to(footprints, insertions.shape)
    saturates_at = footprints / insertions
    order = np.argsort(saturates_at, axis=-1)
    sorted_insertions = np.take_along_axis(insertions, order, axis=-1)
    sorted_footprints = footprints[order]
    held_before = np.cumsum(sorted_footprints, axis=-1) - sorted_footprints
    inserted_after = np.cumsum(sorted_insertions[..., ::-1], axis=-1)[..., ::-1]
    residence = (capacity - held_before) / inserted_after
    fits = residence <= np.take_along_axis(saturates_at, order, axis=-1)
    first = np.argmax(fits, axis=-1)[..., None]
    return np.minimum(footprints, np.take_along_axis(residence, first, axis=-1) * insertions)
