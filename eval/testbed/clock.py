"""What the core clock does to counters, and that it does nothing else.

The core clock is a confounder: it is set without regard to contention, and the contention is without regard to it. The
equilibrium is solved at the nominal clock, in nanoseconds; how much work is done and what it asks of caches and memory
stays the same whatever the clock. Another clock only changes how many core clocks an unhalted second has, and how they
divide between work, which takes a number of clocks, and waiting for memory, which takes a number of nanoseconds.
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]


def waiting_share(waited: DoubleArray, ratio: DoubleArray) -> DoubleArray:
    """The share of core clocks that passes in a wait counted in nanoseconds.

    A share ``m`` at the nominal clock becomes ``m / (m + (1 - m) / ratio)``: 0.3 becomes 0.23 at 0.7 of the clock and
    0.39 at 1.5 of it.

    Args:
        waited: share of time waited at the nominal clock, 0 to 1.
        ratio: clock over nominal clock, above zero.
    """
    return np.asarray(waited / (waited + (1.0 - waited) / ratio))
