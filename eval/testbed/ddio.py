"""Device writes into the cache (Data Direct I/O).

Devices may allocate in a few ways only. Where the rings of a socket together exceed those, or where cores evict what
was received before it was read, packets go through memory: "leaky DMA" (Tootoonchian et al., "ResQ", NSDI 2018; Farshin
et al., USENIX ATC 2020). Rings are sharers of the cache like any other, with a cap.
"""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.hardware import DDIO_BYTES

DoubleArray = NDArray[np.float64]

SENT_AFTER_EVICTION = 0.6
"""Share of evicted packets that a device has yet to read for sending (*assumed*)."""


def ring_caps(ring_bytes: DoubleArray) -> DoubleArray:
    """What each ring of one socket may hold of the ways that devices allocate in.

    Args:
        ring_bytes: ``(rings,)``, above zero.

    Returns:
        Bytes, ``(rings,)``; the rings' own sizes where all of them fit.
    """
    return ring_bytes * min(1.0, DDIO_BYTES / float(ring_bytes.sum())) if len(ring_bytes) else ring_bytes
