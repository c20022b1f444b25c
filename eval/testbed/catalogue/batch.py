"""Jobs that take what is left, and media: throughput without anybody waiting, but for live streams."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour, Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import BIG_MEMORY, TIGHT_LOOP
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE
from eval.testbed.workload import Workload

# Transcoder: arithmetic in the L1 and L2 over frames that it prefetches; the sibling's ports, little else.
_TRANSCODER = Workload(
    name="transcoder",
    group="transcoder",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=None,
    request_kinstructions=4000.0,
    behaviour=Behaviour(
        compute_ns=165.0,
        llc_accesses=2.5,
        footprint_bytes=3.5 * MEBIBYTE,
        steepness=0.9,
        compulsory=0.15,
        prefetched=0.7,
        miss_exposed=0.20,
        hit_exposed=0.15,
        port_demand=0.85,
        partition_cost=0.16,
        core=CoreBaseline(core_bound=0.30, mispredicted=0.03, wide=0.2),
        pages=Pages(hot=1100.0, lookups=2.5),
    ),
)
# The same for a live stream: the slowest frame counts, and larger frames go through memory.
_TRANSCODER_LIVE = replace(
    _TRANSCODER,
    name="transcoder-live",
    indicator=IndicatorKind.LATENCY_P99,
    load=0.33,
    behaviour=replace(
        _TRANSCODER.behaviour, llc_accesses=5.0, footprint_bytes=12.0 * MEBIBYTE, compulsory=0.30, port_demand=0.75
    ),
)

# Analytics of yesterday: scans and hashes more than any cache holds; takes cache and bandwidth, and loses some of both.
_BATCH = Workload(
    name="batch",
    group="batch",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=None,
    request_kinstructions=20000.0,
    behaviour=Behaviour(
        compute_ns=180.0,
        llc_accesses=20.0,
        footprint_bytes=60.0 * MEBIBYTE,
        steepness=0.5,
        compulsory=0.22,
        retained=0.6,
        prefetched=0.6,
        miss_exposed=0.13,
        hit_exposed=0.10,
        written=0.4,
        remote=0.05,
        row_missed=0.3,
        port_demand=0.60,
        partition_cost=0.22,
        core=CoreBaseline(core_bound=0.15),
        pages=Pages(hot=5250.0, lookups=10.0, steepness=0.8),
    ),
)

# Compiler: branches and code of two megabytes over trees of pointers; feels a sibling, and a sibling feels it.
_COMPILE = Workload(
    name="compile",
    group="compile",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=None,
    request_kinstructions=2_000_000.0,
    behaviour=Behaviour(
        compute_ns=290.0,
        llc_accesses=7.0,
        footprint_bytes=9.0 * MEBIBYTE,
        steepness=0.6,
        compulsory=0.08,
        prefetched=0.15,
        hit_exposed=0.30,
        miss_exposed=0.30,
        port_demand=0.55,
        partition_cost=0.30,
        l2_footprint=0.8,
        core=CoreBaseline(mispredicted=0.12, fetch_latency=0.10, core_bound=0.07, l2_stalled=0.10),
        code=Code(hot_bytes=2000.0 * KIBIBYTE, fetched_lines=44.0, steepness=0.22, beyond_l2=0.10, walks=0.7),
        pages=Pages(hot=1200.0, lookups=5.0),
        sharing=Sharing(lock_loads=0.5),
    ),
)

# Shuffle of a Spark job: a garbage-collected heap in small pages; walks and bandwidth.
_SPARK = Workload(
    name="spark",
    group="spark",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=None,
    request_kinstructions=500_000.0,
    behaviour=Behaviour(
        compute_ns=230.0,
        llc_accesses=12.0,
        footprint_bytes=120.0 * MEBIBYTE,
        steepness=0.5,
        compulsory=0.30,
        retained=0.8,
        prefetched=0.4,
        hit_exposed=0.15,
        miss_exposed=0.22,
        written=0.6,
        remote=0.10,
        row_missed=0.5,
        port_demand=0.50,
        partition_cost=0.24,
        l2_footprint=0.8,
        core=CoreBaseline(mispredicted=0.04, fetch_latency=0.07),
        code=Code(hot_bytes=320.0 * KIBIBYTE, fetched_lines=20.0, steepness=0.4, beyond_l2=0.06, walks=0.1),
        pages=BIG_MEMORY,
        sharing=Sharing(lock_loads=1.0, transfers=0.06, modified_abroad=0.05),
    ),
)
# The same on the wrong socket, streaming blocks that it uses once: waits for the links, and leaves the cache to others.
_SPARK_REMOTE = replace(
    _SPARK, name="spark-remote", behaviour=replace(_SPARK.behaviour, remote=0.65, miss_exposed=0.28, retained=0.2)
)

# Compression: a window of a few hundred kilobytes; only a sibling thread reaches it.
_COMPRESSION = Workload(
    name="compression",
    group="compression",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=1,
    polls=False,
    load=None,
    request_kinstructions=10_000.0,
    behaviour=Behaviour(
        compute_ns=280.0,
        llc_accesses=0.7,
        footprint_bytes=0.8 * MEBIBYTE,
        compulsory=0.10,
        prefetched=0.5,
        hit_exposed=0.10,
        miss_exposed=0.15,
        port_demand=0.55,
        partition_cost=0.35,
        l2_footprint=0.9,
        core=CoreBaseline(mispredicted=0.10, core_bound=0.10, fetch_latency=0.03),
        code=TIGHT_LOOP,
        pages=Pages(hot=500.0, lookups=1.0),
        sharing=Sharing(lock_loads=0.02, transfers=0.0),
    ),
)

BATCH = (_TRANSCODER, _TRANSCODER_LIVE, _BATCH, _COMPILE, _SPARK, _SPARK_REMOTE, _COMPRESSION)
