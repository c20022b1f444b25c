"""Functions that look into packets: by header, by connection, by content."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import (
    DIRECT_MAP,
    GIGABYTE_PAGES,
    HUGE_PAGES,
    INTERRUPTED,
    POLL_LOOP,
    POLL_MODE,
    PROCESS_PAGES,
    TIGHT_LOOP,
)
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE, STLB_HUGE_ENTRIES
from eval.testbed.workload import Workload

# Packet filter: rules in a tree whose first levels are hot; walks it load by load, so misses overlap little.
_FIREWALL = Workload(
    name="firewall",
    group="firewall",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=2,
    forwarders=1,
    polls=True,
    load=0.94,
    behaviour=replace(
        POLL_MODE,
        compute_ns=225.0,
        forward_ns=270.0,
        llc_accesses=6.0,
        footprint_bytes=7.0 * MEBIBYTE,
        steepness=0.7,
        compulsory=0.05,
        miss_exposed=0.5,
        hit_exposed=0.35,
        partition_cost=0.26,
        sent_lines=2.8,
        packet_reads=1.0,
        ring_bytes=1.0 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.14, mispredicted=0.05, fetch_latency=0.03),
        pages=replace(HUGE_PAGES, hot=420.0, lookups=6.0),
        sharing=Sharing(lock_loads=0.2, transfers=0.15),
    ),
)
# The same with a state a connection: a table of more than half of the cache, which helps only if nearly all is there.
_FIREWALL_STATEFUL = replace(
    _FIREWALL,
    name="firewall-stateful",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=3,
    forwarders=0,
    load=0.26,
    behaviour=replace(
        _FIREWALL.behaviour,
        forward_ns=0.0,
        llc_accesses=10.0,
        footprint_bytes=18.0 * MEBIBYTE,
        steepness=1.8,
        miss_exposed=0.35,
    ),
)

# Carrier-grade address translation: one core of four looks flows up and shares counters with the others.
_NAT = Workload(
    name="nat",
    group="nat",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.97,
    behaviour=replace(
        POLL_MODE,
        compute_ns=120.0,
        forward_ns=230.0,
        llc_accesses=8.0,
        footprint_bytes=10.0 * MEBIBYTE,
        steepness=0.9,
        miss_exposed=0.40,
        hit_exposed=0.30,
        code=replace(POLL_LOOP, hot_bytes=70.0 * KIBIBYTE, fetched_lines=10.0, steepness=1.6),
        pages=GIGABYTE_PAGES,
        sharing=Sharing(lock_loads=1.5, transfers=0.45),
    ),
)
# The same without huge pages: its flow table's translations nearly fit, until a sibling wants some of its own.
_NAT_SMALL_PAGES = replace(
    _NAT,
    name="nat-small-pages",
    load=0.93,
    behaviour=replace(_NAT.behaviour, pages=Pages(hot=2400.0, lookups=7.0, steepness=1.2)),
)

# Tunnel gateway: a wide cipher over what it receives, two cores of six; ports and rings matter, it has no table.
_IPSEC = Workload(
    name="ipsec",
    group="ipsec",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=6,
    forwarders=4,
    polls=True,
    load=0.96,
    behaviour=replace(
        POLL_MODE,
        compute_ns=150.0,
        forward_ns=210.0,
        llc_accesses=2.0,
        footprint_bytes=1.2 * MEBIBYTE,
        prefetched=0.5,
        miss_exposed=0.30,
        port_demand=0.90,
        partition_cost=0.12,
        received_lines=14.0,
        sent_lines=14.0,
        packet_reads=6.0,
        ring_bytes=1.8 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.32, fetch_latency=0.01, mispredicted=0.005, wide=0.5),
        code=TIGHT_LOOP,
        sharing=Sharing(lock_loads=0.3, transfers=0.20),
    ),
)
# The same in the kernel: half of the work is the path to the cipher, and its load lets queues grow quickly.
_IPSEC_KERNEL = replace(
    _IPSEC,
    name="ipsec-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=3,
    forwarders=0,
    polls=False,
    load=0.38,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=240.0,
        llc_accesses=4.0,
        footprint_bytes=2.0 * MEBIBYTE,
        port_demand=0.75,
        partition_cost=0.15,
        received_lines=8.0,
        sent_lines=8.0,
        packet_reads=6.0,
        core=CoreBaseline(core_bound=0.22, fetch_latency=0.06, wide=0.3),
        pages=DIRECT_MAP,
    ),
)

# Intrusion detection on a mirrored link: many rules, much code, everything read and nothing sent; drops what is late.
_IDS = Workload(
    name="ids",
    group="ids",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.95,
    request_kinstructions=5.0,
    behaviour=replace(
        POLL_MODE,
        compute_ns=250.0,
        forward_ns=200.0,
        llc_accesses=9.0,
        footprint_bytes=14.0 * MEBIBYTE,
        steepness=0.6,
        miss_exposed=0.30,
        port_demand=0.65,
        partition_cost=0.30,
        l2_footprint=0.8,
        received_lines=6.0,
        sent_lines=0.0,
        packet_reads=5.0,
        core=CoreBaseline(core_bound=0.12, mispredicted=0.08, fetch_latency=0.06),
        code=Code(hot_bytes=90.0 * KIBIBYTE, fetched_lines=14.0, steepness=1.4, beyond_l2=0.03),
        pages=Pages(hot=380.0, entries=STLB_HUGE_ENTRIES, lookups=5.0),
        sharing=Sharing(lock_loads=0.2, transfers=0.12),
    ),
)
# The same in the path, where latency counts: the rule set's automaton is walked load by load.
_IDS_INLINE = replace(
    _IDS,
    name="ids-inline",
    indicator=IndicatorKind.LATENCY_P99,
    forwarders=0,
    exclusive_cores=3,
    load=0.36,
    behaviour=replace(_IDS.behaviour, forward_ns=0.0, sent_lines=6.0, footprint_bytes=6.0 * MEBIBYTE),
)

# Deep packet inspection by signature: an automaton that wants to be cached whole, and branches that are hard to guess.
_DPI = Workload(
    name="dpi",
    group="dpi",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    forwarders=2,
    polls=True,
    load=0.92,
    behaviour=replace(
        POLL_MODE,
        compute_ns=215.0,
        forward_ns=190.0,
        llc_accesses=5.0,
        footprint_bytes=7.0 * MEBIBYTE,
        steepness=2.5,
        miss_exposed=0.50,
        hit_exposed=0.35,
        port_demand=0.75,
        partition_cost=0.24,
        received_lines=4.0,
        sent_lines=3.5,
        packet_reads=3.0,
        core=CoreBaseline(core_bound=0.20, mispredicted=0.07),
        code=Code(hot_bytes=140.0 * KIBIBYTE, fetched_lines=11.0),
        pages=Pages(hot=2400.0, lookups=5.6, steepness=0.8),
        sharing=Sharing(transfers=0.10),
    ),
)
# The same over reassembled flows, woken by interrupts: a larger automaton, small pages, and a tail to keep.
_DPI_DEEP = replace(
    _DPI,
    name="dpi-deep",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    forwarders=0,
    polls=False,
    load=0.28,
    request_kinstructions=9.0,
    behaviour=replace(
        _DPI.behaviour,
        compute_ns=300.0,
        forward_ns=0.0,
        llc_accesses=7.0,
        footprint_bytes=12.0 * MEBIBYTE,
        miss_exposed=0.38,
        packet_reads=3.6,
        sent_lines=0.5,
        code=Code(hot_bytes=160.0 * KIBIBYTE, fetched_lines=13.0),
        pages=replace(PROCESS_PAGES, hot=2850.0, lookups=7.4),
        sharing=Sharing(),
    ),
)

SECURITY = (
    _FIREWALL,
    _FIREWALL_STATEFUL,
    _NAT,
    _NAT_SMALL_PAGES,
    _IPSEC,
    _IPSEC_KERNEL,
    _IDS,
    _IDS_INLINE,
    _DPI,
    _DPI_DEEP,
)
