"""Occupants that show one mechanism each; none of them is of the catalogue, so that no catalogue can bend a law."""

from dataclasses import replace

from contracts.axis import Axis
from eval.testbed.behaviour import Behaviour, Code, Pages, Sharing
from eval.testbed.hardware import DDIO_BYTES, KIBIBYTE, LLC_BYTES, MEBIBYTE
from eval.testbed.stressor import Stressor

_LOOP = Code(hot_bytes=4.0 * KIBIBYTE, fetched_lines=2.0, beyond_l2=0.0)
_FEW_PAGES = Pages(hot=32.0, lookups=0.5)

WITHIN_L2 = Behaviour(
    compute_ns=200.0,
    llc_accesses=0.02,
    footprint_bytes=0.1 * MEBIBYTE,
    remote=0.0,
    code=_LOOP,
    pages=_FEW_PAGES,
    sharing=Sharing(transfers=0.0),
)
"""Asks nothing of what lies beyond its own core."""

CACHED = replace(
    WITHIN_L2, llc_accesses=8.0, footprint_bytes=LLC_BYTES / 3.0, compulsory=0.03, prefetched=0.0, miss_exposed=0.45
)
"""Goes back to a third of the cache, and misses hardly ever alone."""

UNCACHED = replace(CACHED, llc_accesses=12.0, footprint_bytes=2.0 * LLC_BYTES, compulsory=0.5)
"""Misses half of its requests whatever it holds."""

BEYOND_CACHE = replace(WITHIN_L2, llc_accesses=12.0, footprint_bytes=1.3 * LLC_BYTES, compulsory=0.02, miss_exposed=0.5)
"""Without any device, and each byte of cache more helps it."""

STREAMS = Stressor(axis=Axis.MEMBW, intensity=1.0).behaviour
"""Has some sixteen lines in flight a core, where machines have 15 to 20 (``test_memory_latency``)."""

REMOTE_STREAMS = replace(STREAMS, remote=1.0)
CACHE_TAKER = Stressor(axis=Axis.LLC, intensity=1.0).behaviour
ARITHMETIC = Stressor(axis=Axis.SMT, intensity=1.0).behaviour
JUMPS = Stressor(axis=Axis.FRONTEND, intensity=1.0).behaviour
PAGE_WALKER = Stressor(axis=Axis.TLB, intensity=1.0).behaviour


def packets(*, rings: float) -> Behaviour:
    """Receives and sends 60 lines an operation and keeps nothing else in the cache.

    Args:
        rings: its receive buffers over the ways that devices allocate in.
    """
    return replace(
        WITHIN_L2,
        compute_ns=280.0,
        received_lines=60.0,
        sent_lines=60.0,
        packet_reads=3.0,
        ring_bytes=rings * DDIO_BYTES,
    )
