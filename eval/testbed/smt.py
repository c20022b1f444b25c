"""Two threads on one core.

Sibling threads share issue ports and have half of the buffers each. A thread takes longer by what its sibling's
presence costs it anyway, and by what the two ask of the ports beyond what the core has. Two compute-bound threads then
run at some 0.6 of their speed alone, as measured since the first such machines (Tuck and Tullsen, "Initial observations
of the simultaneous multithreading Pentium 4 processor", PACT 2003).
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]

POLLING_PORT_DEMAND = 0.3
"""What an empty poll loop issues (*assumed*), in line with ``core_counters.POLLED_INSTRUCTIONS_PER_SECOND``."""
SPILL = 0.5
"""By how much the cache requests of a thread rise when its sibling takes the whole L2 (*assumed*)."""
PORT_ROUNDING = 0.1
"""How softly the ports' limit sets in, in shares of a core's issue capacity."""


def excess_demand(own: DoubleArray, sibling: DoubleArray) -> DoubleArray:
    """What two threads ask of the ports beyond one core's, rounded at the corner.

    Args:
        own, sibling: shares of a core's issue capacity, 0 to 1.
    """
    surplus = own + sibling - 1.0
    return np.asarray(0.5 * (surplus + np.sqrt(surplus**2 + PORT_ROUNDING**2)))


def room_beside(contacts: DoubleArray, demands: DoubleArray, wanted: DoubleArray) -> DoubleArray:
    """What siblings leave a thread of something that the two of a core share by demand.

    Args:
        contacts: ``(trials, own, sibling)``, share of the own thread's time in which the sibling works beside it.
        demands: ``(tenants,)``, weights; those of two siblings are set against one another.
        wanted: ``(tenants,)``, share of the whole that each has a use for, 0 to 1; none takes more.

    Returns:
        ``(trials, own)``, 1 without siblings, towards 0 beside one that asks for everything all the time.
    """
    total = demands[:, None] + demands[None, :]
    taken = np.divide(demands[None, :], total, out=np.zeros_like(total), where=total > 0.0)
    return np.asarray(1.0 - (contacts * np.minimum(taken, wanted)).sum(axis=2))
