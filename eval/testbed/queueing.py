"""What a bounded queue before each worker carries, and how long its customers stay.

Each worker thread is an M/M/1/K queue (Kleinrock, "Queueing Systems" vol. 1, 1975, 3.6): poll-mode workers have a
receive ring each, the others a request queue.
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]

LATENCY_QUANTILE = 0.99


def blocked_share(load: DoubleArray, places: DoubleArray) -> DoubleArray:
    """Share of arrivals that find the queue full.

    ``(1 - r) r^K / (1 - r^(K+1))``, written so that neither a load of 1 nor a large one overflows.

    Args:
        load: offered load a worker, above 0.
        places: K, customers that fit, the one in service included.
    """
    logarithm = np.log(load)
    distance = np.maximum(np.abs(logarithm), 1e-12)
    ratio = np.expm1(-distance) / np.expm1(-(places + 1) * distance)
    return np.asarray(ratio * np.exp(-places * np.maximum(-logarithm, 0.0)))


def latency_in_services(load: DoubleArray, places: DoubleArray) -> DoubleArray:
    """The 99th percentile of a customer's stay, in mean service times.

    An accepted customer finds at least ``n`` others with probability ``(r^n - r^K) / (1 - r^K)``. The ``n`` of which
    that is one hundredth, ``ln(0.99 r^K + 0.01) / ln r``, is taken as a real number, and the stay as ``n + 1``.

    Args:
        load: offered load a worker, above 0.
        places: K, as above.
    """
    logarithm = np.log(load)
    logarithm = np.where(np.abs(logarithm) < 1e-9, 1e-9, logarithm)
    tail = 1.0 - LATENCY_QUANTILE
    ahead = np.logaddexp(np.log(LATENCY_QUANTILE) + places * logarithm, np.log(tail)) / logarithm
    return np.asarray(ahead + 1.0)
