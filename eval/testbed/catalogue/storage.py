"""Storage: bytes that devices bring and take, with sums over them in between."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import BIG_MEMORY, ENGINE, INTERRUPTED, KERNEL_PATH, POLL_MODE
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE
from eval.testbed.workload import Workload

# Cache of a content network: streams files that no cache keeps from memory to the card; bandwidth, hardly latency.
_CDN_CACHE = Workload(
    name="cdn-cache",
    group="cdn",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    polls=False,
    load=0.93,
    request_kinstructions=60.0,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=230.0,
        llc_accesses=16.0,
        footprint_bytes=60.0 * MEBIBYTE,
        steepness=0.6,
        compulsory=0.15,
        retained=0.5,
        prefetched=0.65,
        miss_exposed=0.16,
        hit_exposed=0.12,
        written=0.45,
        remote=0.12,
        row_missed=0.25,
        partition_cost=0.18,
        received_lines=1.0,
        sent_lines=7.0,
        packet_reads=0.3,
        core=CoreBaseline(fetch_latency=0.08),
        code=replace(KERNEL_PATH, hot_bytes=180.0 * KIBIBYTE, fetched_lines=16.0),
        pages=Pages(hot=3750.0, lookups=8.0, steepness=0.8),
        sharing=Sharing(lock_loads=1.2),
    ),
)
# The same over TLS: each byte goes through a wide cipher, so ports bind it before memory does.
_CDN_TLS = replace(
    _CDN_CACHE,
    name="cdn-tls",
    load=0.96,
    behaviour=replace(
        _CDN_CACHE.behaviour,
        compute_ns=250.0,
        llc_accesses=10.0,
        port_demand=0.80,
        partition_cost=0.15,
        core=CoreBaseline(fetch_latency=0.05, core_bound=0.24, wide=0.35),
    ),
)

# Object store: sums over large objects as they pass; received bytes are read once, from the cache if still there.
_OBJECT_STORE = Workload(
    name="object-store",
    group="object-store",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=0.95,
    request_kinstructions=300.0,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=210.0,
        llc_accesses=6.0,
        footprint_bytes=8.0 * MEBIBYTE,
        compulsory=0.20,
        prefetched=0.6,
        miss_exposed=0.22,
        hit_exposed=0.20,
        port_demand=0.65,
        partition_cost=0.16,
        received_lines=12.0,
        sent_lines=12.0,
        packet_reads=9.0,
        ring_bytes=2.0 * MEBIBYTE,
        core=CoreBaseline(fetch_latency=0.06, core_bound=0.18),
        code=ENGINE,
        pages=Pages(hot=1700.0, lookups=6.0, steepness=1.2),
        sharing=Sharing(lock_loads=1.5, transfers=0.08),
    ),
)
# The same with erasure coding, where the slowest of many small reads decides: a tail over received data.
_OBJECT_STORE_ERASURE = replace(
    _OBJECT_STORE,
    name="object-store-erasure",
    indicator=IndicatorKind.LATENCY_P99,
    load=0.36,
    behaviour=replace(
        _OBJECT_STORE.behaviour,
        compute_ns=230.0,
        miss_exposed=0.32,
        packet_reads=5.0,
        ring_bytes=1.5 * MEBIBYTE,
        core=CoreBaseline(fetch_latency=0.04, core_bound=0.24, wide=0.4),
    ),
)

# Object storage daemon, Ceph-like: small writes through queues, locks and metadata; code, walks and transfers.
_OSD = Workload(
    name="osd",
    group="osd",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=3,
    polls=False,
    load=0.28,
    request_kinstructions=180.0,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=300.0,
        llc_accesses=9.0,
        footprint_bytes=20.0 * MEBIBYTE,
        steepness=0.5,
        compulsory=0.12,
        miss_exposed=0.32,
        remote=0.10,
        partition_cost=0.30,
        received_lines=2.0,
        sent_lines=2.0,
        code=Code(hot_bytes=380.0 * KIBIBYTE, fetched_lines=30.0, steepness=0.3, beyond_l2=0.08, walks=0.2),
        pages=replace(BIG_MEMORY, hot=20_000.0, lookups=10.0),
        sharing=Sharing(lock_loads=8.0, transfers=0.90, modified_abroad=0.05),
    ),
)
# The same on a node whose drives hang on the other socket: three lines of five come over the links.
_OSD_REMOTE = replace(
    _OSD, name="osd-remote", load=0.42, behaviour=replace(_OSD.behaviour, remote=0.6, compulsory=0.30)
)

# Target for NVMe over fabrics in poll mode: descriptors and data of drives and network share the devices' ways.
_NVMF_POLL = Workload(
    name="nvmf-poll",
    group="nvmf",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=3,
    forwarders=2,
    polls=True,
    load=0.97,
    request_kinstructions=4.0,
    behaviour=replace(
        POLL_MODE,
        compute_ns=130.0,
        forward_ns=220.0,
        llc_accesses=3.0,
        footprint_bytes=1.5 * MEBIBYTE,
        hit_exposed=0.40,
        miss_exposed=0.50,
        partition_cost=0.20,
        received_lines=24.0,
        sent_lines=24.0,
        packet_reads=4.0,
        ring_bytes=3.0 * MEBIBYTE,
        sharing=Sharing(lock_loads=0.1, transfers=0.06),
    ),
)
# The same by interrupts, with digests over the data: reads half of what it receives, late where that has leaked.
_NVMF_KERNEL = replace(
    _NVMF_POLL,
    name="nvmf-kernel",
    indicator=IndicatorKind.LATENCY_P99,
    forwarders=0,
    polls=False,
    load=0.36,
    behaviour=replace(
        INTERRUPTED,
        compute_ns=240.0,
        llc_accesses=5.0,
        received_lines=10.0,
        sent_lines=10.0,
        packet_reads=5.0,
        ring_bytes=1.5 * MEBIBYTE,
        miss_exposed=0.30,
    ),
)

STORAGE = (
    _CDN_CACHE,
    _CDN_TLS,
    _OBJECT_STORE,
    _OBJECT_STORE_ERASURE,
    _OSD,
    _OSD_REMOTE,
    _NVMF_POLL,
    _NVMF_KERNEL,
)
