"""Translations: two threads of a core share its second-level TLB, and walks go through the caches.

A thread's translations stay in the second level as far as there is room; a sibling takes room in proportion to what it
looks up while it runs. A walk takes the time of its loads: upper levels come from the walker's own caches, the last one
from the L2 or, where page tables are large, from the last-level cache or memory. So walks grow longer where others take
the cache or the memory's bandwidth (Basu et al., "Efficient virtual memory for big memory servers", ISCA 2013; Bhargava
et al., "Accelerating two-dimensional page walks", ASPLOS 2008).
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.cache import miss_ratio

DoubleArray = NDArray[np.float64]

WALK_NS = 9.0
"""Of a walk whose loads all hit the L2 or a level above: some twenty core clocks (*assumed*)."""
WALK_EXPOSED = 0.6
"""Share of a walk that the thread waits for; four walkers overlap the rest (*assumed*)."""
TABLES_BEYOND_L2 = 0.35
"""Share of walks whose last load the L2 does not have (*assumed*)."""
TABLES_EVICTED = 0.5
"""Page tables' miss ratio in the last-level cache over the data's of the same tenant: eight translations share a
line (*assumed*)."""


def wanted_share(hot: DoubleArray, entries: DoubleArray) -> DoubleArray:
    """Share of the second level that translations have a use for."""
    return np.minimum(hot / entries, 1.0)


def demand(lookups: DoubleArray, hot: DoubleArray, entries: DoubleArray) -> DoubleArray:
    """How hard translations press on the second level, as a weight against a sibling's."""
    return np.asarray(lookups * wanted_share(hot, entries))


def walks(
    room: DoubleArray,
    lookups: DoubleArray,
    hot: DoubleArray,
    entries: DoubleArray,
    *,
    steepness: DoubleArray,
    cold: DoubleArray,
) -> DoubleArray:
    """Walks an operation.

    Args:
        room: share of its entries that the thread has, 0 to 1.
        lookups, hot, entries, steepness, cold: see ``eval.testbed.behaviour.Pages``.
    """
    return lookups * miss_ratio(room * entries, hot, steepness, cold)
