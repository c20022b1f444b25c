"""What an occupant does to shared hardware, per thousand useful instructions (one *operation*)."""

from dataclasses import dataclass, field

from eval.testbed.hardware import KIBIBYTE, STLB_ENTRIES
from eval.testbed.hashed_once import HashedOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreBaseline:
    """What the core's own counters show whatever the neighbours do; shares are of the computing time.

    Attributes:
        mispredicted, fetch_latency: share of slots lost to branches and to resteering the front end.
        core_bound: share of slots waiting for execution ports without any neighbour.
        l2_stalled: share of cycles waiting for the L2.
        wide: share of the time with AVX-512 or AMX instructions in flight, which lowers the core's clock.
    """

    mispredicted: float = 0.02
    fetch_latency: float = 0.05
    core_bound: float = 0.10
    l2_stalled: float = 0.06
    wide: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Its instructions, as the front end sees them.

    Attributes:
        hot_bytes: code that it goes round in.
        fetched_lines: lines an operation that the micro-operation cache does not have, so that the L1I is asked.
        steepness: of their miss-ratio curve over the L1I.
        beyond_l2: share of the lines the L1I misses that the L2 misses too, without a sibling.
        walks: walks of the instruction TLB an operation, without a sibling.
    """

    hot_bytes: float = 40.0 * KIBIBYTE
    fetched_lines: float = 12.0
    steepness: float = 0.7
    beyond_l2: float = 0.04
    walks: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Its data's pages, as the second-level TLB sees them.

    Attributes:
        hot: translations that it goes back to; those of huge pages count once.
        entries: of the second level that they may use: all, or those for huge pages.
        lookups: loads an operation that the first level misses.
        steepness: of the miss-ratio curve over the second level's entries.
        cold: share of lookups that no number of entries spares a walk.
    """

    hot: float = 600.0
    entries: float = STLB_ENTRIES
    lookups: float = 4.0
    steepness: float = 1.0
    cold: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Lines that several of its threads write, and its locks.

    Attributes:
        lock_loads: locked loads an operation.
        transfers: loads an operation that find their line modified in another core's cache on the same socket.
        modified_abroad: share of its last-level misses that the other socket's caches answer.
        bus_locks: locked accesses an operation that cross a cache line, or go to uncacheable memory.
    """

    lock_loads: float = 0.3
    transfers: float = 0.02
    modified_abroad: float = 0.01
    bus_locks: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour(HashedOnce):
    """The physical parameters of one occupant. None of them is a slowdown: slowdowns come from the equilibrium.

    Attributes:
        compute_ns: time of an operation at the nominal clock without any wait beyond the L2, for data or for code.
        forward_ns: time of an operation on the workers that only pass it on, see ``Workload.forwarders``.
        llc_accesses: data requests to the last-level cache an operation, prefetches included.
        prefetched: share of them that no load waits to see (0 to 1).
        footprint_bytes: data it goes back to; it never holds more of the cache.
        steepness: of its miss-ratio curve: below 1 the first bytes help most, above 1 nothing helps but all.
        compulsory: miss ratio that no amount of cache takes away (0 to 1).
        retained: weight of its insertions, below 1 where the replacement policy sees a stream through (0 to 1).
        hit_exposed, miss_exposed: share of a hit's and a miss's latency that the thread waits for; the rest overlaps.
        written: dirty lines that leave the cache, per miss.
        remote: share of its memory on the other socket.
        row_missed: precharges per column access of its traffic.
        port_demand: share of the core's issue capacity that it takes while it computes (0 to 1).
        partition_cost: what it loses by the mere presence of a sibling thread (halved buffers, shared L1D).
        l2_footprint: how much of a shared L2 it takes from a sibling (0 to 1).
        received_lines, sent_lines: lines an operation that devices write to and read from memory.
        packet_reads: lines of received data an operation that the core then reads.
        ring_bytes: receive buffers that devices write to in turn.
        core: counters that no neighbour moves.
        code, pages, sharing: what it asks of the front end, the TLB and the coherence protocol.
    """

    compute_ns: float
    llc_accesses: float
    footprint_bytes: float
    forward_ns: float = 0.0
    prefetched: float = 0.3
    steepness: float = 1.0
    compulsory: float = 0.05
    retained: float = 1.0
    hit_exposed: float = 0.3
    miss_exposed: float = 0.4
    written: float = 0.3
    remote: float = 0.03
    row_missed: float = 0.4
    port_demand: float = 0.5
    partition_cost: float = 0.1
    l2_footprint: float = 0.4
    received_lines: float = 0.0
    sent_lines: float = 0.0
    packet_reads: float = 0.0
    ring_bytes: float = 0.0
    core: CoreBaseline = field(default_factory=CoreBaseline)
    code: Code = field(default_factory=Code)
    pages: Pages = field(default_factory=Pages)
    sharing: Sharing = field(default_factory=Sharing)

    __hash__ = HashedOnce.__hash__
