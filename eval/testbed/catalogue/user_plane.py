"""The user plane of a mobile network: packets of subscribers, between radio and data network."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import CoreBaseline, Sharing
from eval.testbed.catalogue.software import DIRECT_MAP, GIGABYTE_PAGES, HUGE_PAGES, INTERRUPTED, POLL_MODE, TIGHT_LOOP
from eval.testbed.hardware import MEBIBYTE
from eval.testbed.workload import Workload

# User plane function of a region: a session table of 13 MiB, so whoever takes cache or memory takes its tail latency.
_UPF_LARGE = Workload(
    name="upf-large",
    group="upf",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    polls=True,
    load=0.3,
    behaviour=replace(
        POLL_MODE,
        compute_ns=190.0,
        llc_accesses=9.0,
        footprint_bytes=13.0 * MEBIBYTE,
        steepness=1.4,
        compulsory=0.04,
        miss_exposed=0.30,
        received_lines=2.0,
        sent_lines=2.0,
        ring_bytes=3.0 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.16),
        pages=GIGABYTE_PAGES,
    ),
)
# The same for an enterprise: its sessions fit beside others', so the cache matters less and the sibling thread as much.
_UPF_SMALL = replace(
    _UPF_LARGE,
    name="upf-small",
    exclusive_cores=2,
    load=0.34,
    behaviour=replace(
        _UPF_LARGE.behaviour,
        compute_ns=185.0,
        llc_accesses=8.0,
        footprint_bytes=4.0 * MEBIBYTE,
        ring_bytes=1.5 * MEBIBYTE,
        pages=replace(HUGE_PAGES, lookups=4.0),
    ),
)
# The same in the kernel's GTP tunnel module: an interrupt a burst; heavy on code and locks, and near saturation.
_UPF_KERNEL = replace(
    _UPF_LARGE,
    name="upf-kernel",
    indicator=IndicatorKind.THROUGHPUT,
    polls=False,
    load=0.91,
    behaviour=replace(INTERRUPTED, footprint_bytes=9.0 * MEBIBYTE, llc_accesses=9.0, pages=DIRECT_MAP),
)

# Central unit of the radio network: one core ciphers what two others move; rings that leak hurt it.
_CU_UP = Workload(
    name="cu-up",
    group="cu-up",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    forwarders=2,
    polls=True,
    load=0.95,
    behaviour=replace(
        POLL_MODE,
        compute_ns=165.0,
        forward_ns=185.0,
        llc_accesses=3.5,
        footprint_bytes=3.0 * MEBIBYTE,
        steepness=0.8,
        miss_exposed=0.45,
        port_demand=0.80,
        partition_cost=0.16,
        received_lines=8.0,
        sent_lines=8.0,
        packet_reads=4.5,
        ring_bytes=1.2 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.24, fetch_latency=0.02, wide=0.15),
        sharing=Sharing(lock_loads=0.2, transfers=0.30),
    ),
)
# The same over sockets: few connections, so tails are short until a sibling or a locked bus makes the stack slow.
_CU_UP_KERNEL = replace(
    _CU_UP,
    name="cu-up-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    forwarders=0,
    polls=False,
    load=0.22,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=290.0,
        llc_accesses=5.0,
        footprint_bytes=3.0 * MEBIBYTE,
        packet_reads=5.0,
        port_demand=0.70,
        partition_cost=0.20,
    ),
)

# Physical layer of a distributed unit, AVX-512 over samples in the L2: the sibling's ports are all that it feels.
_DU = Workload(
    name="du",
    group="du",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=6,
    polls=True,
    load=0.30,
    request_kinstructions=30.0,
    behaviour=replace(
        POLL_MODE,
        compute_ns=205.0,
        llc_accesses=0.8,
        footprint_bytes=1.0 * MEBIBYTE,
        prefetched=0.8,
        hit_exposed=0.08,
        miss_exposed=0.10,
        port_demand=0.88,
        partition_cost=0.14,
        received_lines=1.0,
        sent_lines=0.5,
        packet_reads=0.2,
        ring_bytes=0.5 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.30, fetch_latency=0.01, mispredicted=0.005, wide=0.7),
        code=TIGHT_LOOP,
        pages=GIGABYTE_PAGES,
        sharing=Sharing(lock_loads=0.05, transfers=0.01),
    ),
)

# Gateway for voice: small packets of many calls, half of each read; slow ports and leaking rings lengthen its tail.
_MEDIA_GATEWAY = Workload(
    name="media-gateway",
    group="media-gateway",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=2,
    polls=True,
    load=0.40,
    behaviour=replace(
        POLL_MODE,
        compute_ns=240.0,
        llc_accesses=3.0,
        footprint_bytes=2.0 * MEBIBYTE,
        steepness=0.6,
        miss_exposed=0.55,
        port_demand=0.65,
        partition_cost=0.20,
        received_lines=5.0,
        sent_lines=5.0,
        packet_reads=2.5,
        ring_bytes=1.0 * MEBIBYTE,
        core=CoreBaseline(core_bound=0.18, wide=0.1),
    ),
)
# The same behind sockets, a system call a packet: lives by the kernel's code, with room enough to hide much.
_MEDIA_GATEWAY_KERNEL = replace(
    _MEDIA_GATEWAY,
    name="media-gateway-kernel",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    polls=False,
    load=0.87,
    behaviour=replace(
        INTERRUPTED,
        llc_accesses=4.0,
        footprint_bytes=2.5 * MEBIBYTE,
        packet_reads=4.0,
        partition_cost=0.18,
        pages=replace(INTERRUPTED.pages, hot=1500.0),
    ),
)

USER_PLANE = (
    _UPF_LARGE,
    _UPF_SMALL,
    _UPF_KERNEL,
    _CU_UP,
    _CU_UP_KERNEL,
    _DU,
    _MEDIA_GATEWAY,
    _MEDIA_GATEWAY_KERNEL,
)
