"""Memory and link latency under load.

The wait of a queue in front of one server, ``u / (1 - u)`` mean services (Kleinrock 1975, 3.2), gives the shape that
loaded-latency measurements have: flat for long, then a knee. With ``u`` over the theoretical peak and a service of a
quarter of the idle latency (0.25 to 0.28 of it) it goes through the curves that Intel's Memory Latency Checker printed
for one Ice Lake and three Cascade Lake machines, with 3 to 6 % error (root mean square of the logarithm); of Sapphire
Rapids none was found. No wall is built in: how near a memory comes to its peak, and how slow it is then, follows from
how many lines its readers keep in flight (Little's law), and ends at 0.7 to 0.9 of the peak and two to four times the
idle latency, as measured (Esmaili-Dokht et al., "A Mess of Memory System Benchmarking, Simulation and Application
Profiling", MICRO 2024).
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import (
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    UPI_BYTES_PER_SECOND,
    UPI_HOP_NS,
)

DoubleArray = NDArray[np.float64]

DRAM_SERVICE_NS = 28.0
UPI_SERVICE_NS = 28.0
"""*Assumed* to be as the memory's; the share of a link that streams reach then follows as it does there."""
KNEE = 0.98
"""Above this utilisation the curve goes on along its tangent, so that trial states beyond the peak have a latency."""


def queueing_ns(utilisation: DoubleArray, service_ns: float) -> DoubleArray:
    """Mean wait at a utilisation, in nanoseconds; rises strictly."""
    below = np.minimum(utilisation, KNEE)
    beyond = np.maximum(utilisation - KNEE, 0.0)
    return np.asarray(service_ns * (below / (1.0 - below) + beyond / (1.0 - KNEE) ** 2))


def dram_latency_ns(bytes_per_second: DoubleArray) -> DoubleArray:
    """Latency of one socket's memory at its present traffic, without any hop."""
    return DRAM_IDLE_NS + queueing_ns(bytes_per_second / DRAM_PEAK_BYTES_PER_SECOND, DRAM_SERVICE_NS)


def hop_ns(bytes_per_second: DoubleArray) -> DoubleArray:
    """What the links add to a remote access, at what they send one way."""
    return UPI_HOP_NS + queueing_ns(bytes_per_second / UPI_BYTES_PER_SECOND, UPI_SERVICE_NS)
