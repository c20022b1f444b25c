"""What an occupant does to shared hardware, per thousand useful instructions (one *operation*)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreBaseline:
    """What the core's own counters show whatever the neighbours do; shares are of the computing time.

    Attributes:
        mispredicted, fetch_latency, icache_stalled: share of slots or cycles lost to branches and to the front end.
        core_bound: share of slots waiting for execution ports without any neighbour.
        l2_stalled: share of cycles waiting for the L2.
        dtlb_walks, itlb_walks: completed page walks an operation.
        code_reads, code_missed: instruction fetches of the L2 an operation, and the share of them that miss it.
        lock_loads: locked loads an operation.
        snoop_forwarded: share of last-level hits that another core's cache forwards.
        modified_elsewhere: share of last-level misses that the other socket's caches answer.
    """

    mispredicted: float = 0.02
    fetch_latency: float = 0.06
    icache_stalled: float = 0.03
    core_bound: float = 0.10
    l2_stalled: float = 0.06
    dtlb_walks: float = 0.2
    itlb_walks: float = 0.02
    code_reads: float = 4.0
    code_missed: float = 0.08
    lock_loads: float = 0.3
    snoop_forwarded: float = 0.03
    modified_elsewhere: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The physical parameters of one occupant. None of them is a slowdown: slowdowns come from the equilibrium.

    Attributes:
        compute_ns: time of an operation at the nominal clock without any wait beyond the L2.
        llc_accesses: requests to the last-level cache an operation, prefetches included.
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
        partition_cost: what it loses by the mere presence of a sibling thread (halved buffers, shared L1).
        l2_footprint: how much of a shared L2 it takes from a sibling (0 to 1).
        received_lines, sent_lines: lines an operation that devices write to and read from memory.
        packet_reads: lines of received data an operation that the core then reads.
        ring_bytes: receive buffers that devices write to in turn.
        core: counters that no neighbour moves.
    """

    compute_ns: float
    llc_accesses: float
    footprint_bytes: float
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
