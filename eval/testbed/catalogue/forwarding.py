"""Functions that send packets on: by address, by flow, to several at once, or as statistics."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import (
    BIG_MEMORY,
    DIRECT_MAP,
    ENGINE,
    GIGABYTE_PAGES,
    HUGE_PAGES,
    INTERRUPTED,
    POLL_MODE,
)
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE, STLB_HUGE_ENTRIES
from eval.testbed.workload import Workload

# Layer-2 forwarder: half a megabyte of addresses and full-size frames; its rings and its ports are all that matters.
_L2FWD = Workload(
    name="l2fwd",
    group="l2fwd",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.87,
    places=64,
    behaviour=replace(
        POLL_MODE,
        compute_ns=95.0,
        forward_ns=240.0,
        llc_accesses=2.5,
        footprint_bytes=0.6 * MEBIBYTE,
        prefetched=0.6,
        miss_exposed=0.30,
        port_demand=0.70,
        partition_cost=0.15,
        received_lines=9.0,
        sent_lines=9.0,
        packet_reads=1.5,
        ring_bytes=2.5 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.18, fetch_latency=0.01),
        code=Code(hot_bytes=14.0 * KIBIBYTE, fetched_lines=1.5, beyond_l2=0.005, walks=0.001),
        pages=GIGABYTE_PAGES,
        sharing=Sharing(lock_loads=0.05, transfers=0.10),
    ),
)
# The same as the kernel's bridge: the stack's code and its locks are all there is to it.
_L2FWD_KERNEL = replace(
    _L2FWD,
    name="l2fwd-kernel",
    polls=False,
    forwarders=0,
    exclusive_cores=2,
    load=0.96,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=215.0,
        llc_accesses=4.0,
        footprint_bytes=1.5 * MEBIBYTE,
        received_lines=6.0,
        sent_lines=6.0,
        pages=DIRECT_MAP,
        sharing=Sharing(lock_loads=5.0, transfers=0.50, modified_abroad=0.02),
    ),
)

# Virtual router with a full table: prefixes follow a power law, so the first megabytes of cache count most.
_ROUTER = Workload(
    name="router",
    group="router",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    forwarders=2,
    polls=True,
    load=0.92,
    behaviour=replace(
        POLL_MODE,
        compute_ns=110.0,
        forward_ns=250.0,
        llc_accesses=11.0,
        footprint_bytes=11.0 * MEBIBYTE,
        steepness=0.45,
        compulsory=0.06,
        miss_exposed=0.42,
        hit_exposed=0.20,
        port_demand=0.50,
        partition_cost=0.26,
        received_lines=5.0,
        sent_lines=5.0,
        packet_reads=2.0,
        ring_bytes=2.0 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.12),
        pages=replace(HUGE_PAGES, lookups=4.0),
        sharing=Sharing(lock_loads=0.05, transfers=0.08),
    ),
)
# The same with its table in the other socket's memory: longer misses, which the links' own traffic lengthens.
_ROUTER_REMOTE = replace(
    _ROUTER,
    name="router-remote",
    load=0.96,
    behaviour=replace(_ROUTER.behaviour, remote=0.7, llc_accesses=10.0, steepness=0.3, compulsory=0.40),
)

# Virtual switch in poll mode: a cache of flows before a classifier, which helps only if nearly all of it is cached.
_OVS_POLL = Workload(
    name="ovs-poll",
    group="ovs",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.91,
    behaviour=replace(
        POLL_MODE,
        compute_ns=135.0,
        forward_ns=240.0,
        llc_accesses=7.0,
        footprint_bytes=5.0 * MEBIBYTE,
        steepness=2.0,
        miss_exposed=0.40,
        hit_exposed=0.35,
        partition_cost=0.32,
        l2_footprint=0.7,
        core=CoreBaseline(core_bound=0.10, mispredicted=0.04, fetch_latency=0.05),
        code=Code(hot_bytes=64.0 * KIBIBYTE, fetched_lines=9.0, steepness=1.5, beyond_l2=0.02, walks=0.01),
        pages=replace(HUGE_PAGES, lookups=1.0),
        sharing=Sharing(lock_loads=0.8, transfers=0.25),
    ),
)
# The same as a kernel module, which all pods of a node wait for: a tail at 40 % load, and code that a sibling evicts.
_OVS_KERNEL = replace(
    _OVS_POLL,
    name="ovs-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    forwarders=0,
    polls=False,
    load=0.40,
    behaviour=replace(
        INTERRUPTED, compute_ns=230.0, footprint_bytes=3.0 * MEBIBYTE, steepness=1.6, llc_accesses=5.0, pages=DIRECT_MAP
    ),
)

# Load balancer by consistent hashing: one table of 24 MiB hit at random, loads overlapped by batching.
_LOAD_BALANCER = Workload(
    name="load-balancer",
    group="load-balancer",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.95,
    behaviour=replace(
        POLL_MODE,
        compute_ns=105.0,
        forward_ns=250.0,
        llc_accesses=13.0,
        footprint_bytes=24.0 * MEBIBYTE,
        steepness=1.0,
        prefetched=0.5,
        hit_exposed=0.12,
        miss_exposed=0.15,
        row_missed=0.8,
        sharing=Sharing(lock_loads=0.1, transfers=0.08),
    ),
)
# The same in the kernel at the card's driver: no stack above it, so short code; connections in a shared table.
_LOAD_BALANCER_KERNEL = replace(
    _LOAD_BALANCER,
    name="load-balancer-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    forwarders=0,
    polls=False,
    load=0.20,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=200.0,
        llc_accesses=11.0,
        footprint_bytes=22.0 * MEBIBYTE,
        steepness=1.0,
        pages=DIRECT_MAP,
        code=Code(hot_bytes=48.0 * KIBIBYTE, fetched_lines=10.0, steepness=1.0),
    ),
)

# Packet broker: copies what it receives to several tools; most bytes a packet of all, so it lives by DDIO and memory.
_PACKET_BROKER = Workload(
    name="packet-broker",
    group="packet-broker",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.96,
    behaviour=replace(
        POLL_MODE,
        compute_ns=125.0,
        forward_ns=260.0,
        llc_accesses=5.0,
        footprint_bytes=2.0 * MEBIBYTE,
        prefetched=0.4,
        hit_exposed=0.30,
        miss_exposed=0.30,
        port_demand=0.45,
        partition_cost=0.20,
        received_lines=20.0,
        sent_lines=40.0,
        packet_reads=9.0,
        ring_bytes=3.5 * MEBIBYTE,
        pages=Pages(hot=460.0, entries=STLB_HUGE_ENTRIES, lookups=6.0),
        sharing=Sharing(lock_loads=0.4, transfers=0.15),
    ),
)

# Telemetry collector: hashes flow records into gigabytes in small pages; TLB and memory, with patience to spare.
_TELEMETRY = Workload(
    name="telemetry",
    group="telemetry",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=2,
    polls=False,
    load=0.85,
    places=128,
    request_kinstructions=12.0,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=230.0,
        port_demand=0.30,
        partition_cost=0.12,
        llc_accesses=10.0,
        footprint_bytes=40.0 * MEBIBYTE,
        steepness=0.4,
        compulsory=0.12,
        miss_exposed=0.35,
        row_missed=0.8,
        sent_lines=0.1,
        code=ENGINE,
        pages=BIG_MEMORY,
        sharing=Sharing(lock_loads=2.0, transfers=0.05),
    ),
)

FORWARDING = (
    _L2FWD,
    _L2FWD_KERNEL,
    _ROUTER,
    _ROUTER_REMOTE,
    _OVS_POLL,
    _OVS_KERNEL,
    _LOAD_BALANCER,
    _LOAD_BALANCER_KERNEL,
    _PACKET_BROKER,
    _TELEMETRY,
)
