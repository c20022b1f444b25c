"""Memory and link latency under load.

The wait of a queue in front of one server, ``u / (1 - u)`` mean services (Kleinrock 1975, 3.2), gives the shape that
loaded-latency measurements have: flat for long, a knee, a wall at the achievable bandwidth.
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import (
    DRAM_EFFICIENCY,
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    UPI_BYTES_PER_SECOND,
    UPI_HOP_NS,
)

DoubleArray = NDArray[np.float64]

DRAM_SERVICE_NS = 20.0
"""*Assumed*: latency doubles at five sixths of the achievable bandwidth."""
UPI_SERVICE_NS = 12.0
UPI_EFFICIENCY = 0.85
_KNEE = 0.97
"""Above this utilisation the curve goes on along its tangent, so that trial states beyond the wall have a latency."""


def queueing_ns(utilisation: DoubleArray, service_ns: float) -> DoubleArray:
    """Mean wait at a utilisation of what is achievable, in nanoseconds; rises strictly."""
    below = np.minimum(utilisation, _KNEE)
    beyond = np.maximum(utilisation - _KNEE, 0.0)
    return np.asarray(service_ns * (below / (1.0 - below) + beyond / (1.0 - _KNEE) ** 2))


def dram_latency_ns(bytes_per_second: DoubleArray) -> DoubleArray:
    """Latency of one socket's memory at its present traffic, without any hop."""
    achievable = DRAM_PEAK_BYTES_PER_SECOND * DRAM_EFFICIENCY
    return DRAM_IDLE_NS + queueing_ns(bytes_per_second / achievable, DRAM_SERVICE_NS)


def hop_ns(bytes_per_second: DoubleArray) -> DoubleArray:
    """What the links add to a remote access, at what they send one way."""
    return UPI_HOP_NS + queueing_ns(bytes_per_second / (UPI_BYTES_PER_SECOND * UPI_EFFICIENCY), UPI_SERVICE_NS)
