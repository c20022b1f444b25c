"""The control plane: requests over HTTP, Diameter or SIP, parsed and answered by much code over little data."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour, Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import INTERRUPTED, KERNEL_PATH, POLL_MODE, PROCESS_PAGES, SERVICE, TIGHT_LOOP
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE, STLB_HUGE_ENTRIES
from eval.testbed.workload import Workload

_REQUESTS = Behaviour(
    compute_ns=330.0,
    llc_accesses=5.0,
    footprint_bytes=4.0 * MEBIBYTE,
    steepness=0.7,
    compulsory=0.08,
    hit_exposed=0.40,
    miss_exposed=0.45,
    port_demand=0.55,
    partition_cost=0.26,
    l2_footprint=0.7,
    received_lines=0.3,
    sent_lines=0.3,
    packet_reads=0.2,
    ring_bytes=0.5 * MEBIBYTE,
    core=CoreBaseline(mispredicted=0.06, fetch_latency=0.10, core_bound=0.06, l2_stalled=0.10),
    code=SERVICE,
    pages=PROCESS_PAGES,
    sharing=Sharing(lock_loads=2.5, transfers=0.20, modified_abroad=0.04),
)
"""What all of them start from."""

# Access and mobility: state machines of many devices; waits for each miss, and for whoever shares its front end.
_AMF = Workload(
    name="amf",
    group="amf",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    polls=False,
    load=0.33,
    request_kinstructions=400.0,
    behaviour=replace(
        _REQUESTS,
        compute_ns=320.0,
        llc_accesses=6.0,
        footprint_bytes=3.0 * MEBIBYTE,
        steepness=0.8,
        miss_exposed=0.5,
        remote=0.08,
    ),
)
# The same with a larger heap, most of it on the other socket: its misses are remote, and the links lengthen them.
_AMF_REMOTE = replace(
    _AMF,
    name="amf-remote",
    load=0.42,
    behaviour=replace(_AMF.behaviour, remote=0.6, llc_accesses=8.0, compulsory=0.40, partition_cost=0.20),
)

# Session management: sessions by a power law, code laid out by profile, so less of everything but of the page walks.
_SMF = Workload(
    name="smf",
    group="smf",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    polls=False,
    load=0.25,
    request_kinstructions=600.0,
    behaviour=replace(
        _REQUESTS,
        footprint_bytes=6.0 * MEBIBYTE,
        steepness=0.5,
        compulsory=0.10,
        miss_exposed=0.35,
        remote=0.06,
        partition_cost=0.18,
        code=replace(SERVICE, hot_bytes=440.0 * KIBIBYTE, fetched_lines=34.0, steepness=0.6),
        pages=Pages(hot=3300.0, lookups=14.0, steepness=0.8),
    ),
)

# Registry of network functions: a megabyte of JSON and TLS code, next to no data; a sibling's code hurts it most.
_NRF = Workload(
    name="nrf",
    group="nrf",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=1,
    polls=False,
    load=0.47,
    request_kinstructions=900.0,
    behaviour=replace(
        _REQUESTS,
        compute_ns=320.0,
        llc_accesses=2.0,
        footprint_bytes=1.2 * MEBIBYTE,
        miss_exposed=0.4,
        partition_cost=0.30,
        code=Code(hot_bytes=1100.0 * KIBIBYTE, fetched_lines=75.0, steepness=0.16, beyond_l2=0.06, walks=0.9),
        pages=Pages(hot=900.0, lookups=2.0),
        sharing=Sharing(lock_loads=1.5, transfers=0.05),
    ),
)

# Policy control: interprets rules from a script engine, at full load by night: code and branches, not latency.
_PCF = Workload(
    name="pcf",
    group="pcf",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    polls=False,
    load=0.94,
    request_kinstructions=1500.0,
    behaviour=replace(
        _REQUESTS,
        compute_ns=330.0,
        llc_accesses=7.0,
        footprint_bytes=10.0 * MEBIBYTE,
        steepness=0.4,
        hit_exposed=0.25,
        miss_exposed=0.30,
        partition_cost=0.34,
        core=CoreBaseline(mispredicted=0.10, fetch_latency=0.10, core_bound=0.04, l2_stalled=0.12),
        code=Code(hot_bytes=1900.0 * KIBIBYTE, fetched_lines=58.0, steepness=0.2, beyond_l2=0.12, walks=1.2),
        pages=Pages(hot=1900.0, lookups=12.0, steepness=1.3),
    ),
)

# Session border controller: SIP dialogues under one lock; its lines wander between cores, and over to the other socket.
_SBC = Workload(
    name="sbc",
    group="sbc",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    polls=False,
    load=0.30,
    request_kinstructions=250.0,
    behaviour=replace(
        _REQUESTS,
        compute_ns=290.0,
        received_lines=0.8,
        sent_lines=0.8,
        packet_reads=0.8,
        code=replace(KERNEL_PATH, fetched_lines=40.0, steepness=0.25),
        pages=Pages(hot=900.0, lookups=4.0),
        sharing=Sharing(lock_loads=9.0, transfers=1.4, modified_abroad=0.15),
    ),
)

# Name server in poll mode: zones in a hash table of huge pages, a lookup a packet.
_DNS = Workload(
    name="dns",
    group="dns",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    forwarders=3,
    polls=True,
    load=0.93,
    behaviour=replace(
        POLL_MODE,
        compute_ns=115.0,
        forward_ns=240.0,
        llc_accesses=9.0,
        footprint_bytes=48.0 * MEBIBYTE,
        steepness=0.3,
        compulsory=0.15,
        prefetched=0.1,
        hit_exposed=0.40,
        miss_exposed=0.30,
        remote=0.10,
        row_missed=0.85,
        received_lines=1.5,
        sent_lines=2.5,
        ring_bytes=0.8 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.08, mispredicted=0.04),
        code=TIGHT_LOOP,
        pages=Pages(hot=450.0, entries=STLB_HUGE_ENTRIES, lookups=7.0),
        sharing=Sharing(lock_loads=0.1, transfers=0.08),
    ),
)
# The same over sockets, resolving for others: small pages, a system call a packet, and a tail.
_DNS_KERNEL = replace(
    _DNS,
    name="dns-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    forwarders=0,
    polls=False,
    load=0.24,
    behaviour=replace(
        INTERRUPTED,
        llc_accesses=9.0,
        footprint_bytes=30.0 * MEBIBYTE,
        steepness=0.35,
        compulsory=0.12,
        received_lines=1.0,
        sent_lines=1.5,
        packet_reads=0.8,
        partition_cost=0.16,
        pages=Pages(hot=7000.0, lookups=11.0, steepness=0.5),
    ),
)

SIGNALLING = (_AMF, _AMF_REMOTE, _SMF, _NRF, _PCF, _SBC, _DNS, _DNS_KERNEL)
