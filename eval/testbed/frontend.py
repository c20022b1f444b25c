"""The front end: two threads of a core share its instruction cache.

A thread's lines of code stay in the L1I as far as there is room. A sibling takes room in proportion to what it fetches
while it runs; what no longer fits comes from the L2, and where the sibling's data crowd that as well, from the
last-level cache or from memory. Code of network services and of signalling overflows the L1I even alone (Kanev et al.,
"Profiling a warehouse-scale computer", ISCA 2015, 5.2; Ayers et al., "AsmDB", ISCA 2019), a packet loop fits.
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.cache import miss_ratio
from eval.testbed.hardware import L1I_BYTES

DoubleArray = NDArray[np.float64]

FETCH_EXPOSED = 0.6
"""Share of a code line's latency that the decoupled front end can't hide (*assumed*)."""
COLD = 0.002
"""Share of fetched lines that the L1I misses however large it were (*assumed*)."""
CODE_FROM_SIBLING = 0.6
"""By how much the code that the L2 misses grows beside a sibling that takes the whole L2 (*assumed*)."""
CODE_EVICTED = 0.25
"""Code's miss ratio in the last-level cache over the data's of the same tenant: it is used more often (*assumed*)."""


def wanted_share(hot_bytes: DoubleArray) -> DoubleArray:
    """Share of the L1I that code has a use for."""
    return np.minimum(hot_bytes / L1I_BYTES, 1.0)


def demand(fetched_lines: DoubleArray, hot_bytes: DoubleArray) -> DoubleArray:
    """How hard code presses on the L1I, as a weight against a sibling's."""
    return np.asarray(fetched_lines * wanted_share(hot_bytes))


def l1i_misses(
    room: DoubleArray, fetched_lines: DoubleArray, hot_bytes: DoubleArray, steepness: DoubleArray
) -> DoubleArray:
    """Code lines an operation that come from beyond the L1I.

    Args:
        room: share of the L1I that the thread has, 0 to 1.
        fetched_lines, hot_bytes, steepness: see ``eval.testbed.behaviour.Code``.
    """
    return fetched_lines * miss_ratio(room * L1I_BYTES, hot_bytes, steepness, np.asarray(COLD))
