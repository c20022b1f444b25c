"""Locks of the bus: one core's split access keeps all others from the last-level cache and memory.

A locked access within a cache line stays in the core's own cache. One that crosses two lines, or goes to uncacheable
memory, locks the whole system's bus (Intel SDM vol. 3A, "Bus Locking"): for its time no other core's request goes
through. Only one can hold it, so it is a server with one place of service, and a request that finds it busy waits as in
front of any server with constant service, ``u / (1 - u)`` times half the service (Pollaczek and Khinchine; Kleinrock
1975, 5.6).
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import BUS_LOCK_NS
from eval.testbed.memory import queueing_ns

DoubleArray = NDArray[np.float64]

LEAST_HELD = 1e-9
"""Share of time that the bus is locked where nobody does it on purpose."""


def held_share(bus_locks_per_second: DoubleArray) -> DoubleArray:
    """Share of time that the bus would be locked, above 1 in trial states that can't last."""
    return np.asarray(bus_locks_per_second * BUS_LOCK_NS * 1e-9 + LEAST_HELD)


def bus_wait_ns(held: DoubleArray) -> DoubleArray:
    """What any request beyond the L2 waits on average."""
    return queueing_ns(held, 0.5 * BUS_LOCK_NS)
