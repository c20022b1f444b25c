"""Databases and brokers: much memory, found by key or by scan, and latches over it."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour, Code, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import BIG_MEMORY, ENGINE
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE, STLB_HUGE_ENTRIES
from eval.testbed.workload import Workload

_STORE = Behaviour(
    compute_ns=230.0,
    llc_accesses=11.0,
    footprint_bytes=60.0 * MEBIBYTE,
    steepness=0.4,
    compulsory=0.15,
    prefetched=0.1,
    hit_exposed=0.30,
    miss_exposed=0.30,
    written=0.25,
    remote=0.08,
    row_missed=0.7,
    port_demand=0.55,
    partition_cost=0.24,
    l2_footprint=0.6,
    received_lines=0.5,
    sent_lines=0.6,
    packet_reads=0.4,
    ring_bytes=0.5 * MEBIBYTE,
    core=CoreBaseline(fetch_latency=0.07, core_bound=0.08, l2_stalled=0.09),
    code=ENGINE,
    pages=BIG_MEMORY,
    sharing=Sharing(lock_loads=3.0, transfers=0.20, modified_abroad=0.04),
)
"""What all of them start from."""

# Subscriber data: a B-tree of all subscribers under latches; bandwidth, transfers between cores, and walks.
_UDR = Workload(
    name="udr",
    group="udr",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=3,
    polls=False,
    load=0.3,
    request_kinstructions=80.0,
    behaviour=replace(
        _STORE,
        compute_ns=220.0,
        llc_accesses=14.0,
        steepness=0.35,
        compulsory=0.20,
        prefetched=0.05,
        written=0.2,
        remote=0.15,
        row_missed=0.8,
        port_demand=0.50,
        partition_cost=0.18,
        pages=Pages(hot=10_500.0, lookups=20.0, steepness=0.5),
        sharing=Sharing(lock_loads=6.0, transfers=0.50, modified_abroad=0.10),
    ),
)
# The same in huge pages and replicated to every core: no walks and few transfers are left, the misses are.
_UDR_HUGE_PAGES = replace(
    _UDR,
    name="udr-huge-pages",
    behaviour=replace(
        _UDR.behaviour,
        pages=Pages(hot=480.0, entries=STLB_HUGE_ENTRIES, lookups=9.0),
        sharing=Sharing(lock_loads=1.0, transfers=0.05, modified_abroad=0.02),
    ),
)

# In-memory cache: hash, list, and a value; tens of thousands of small pages, so a fifth of its time is page walks.
_MEMORY_CACHE = Workload(
    name="memory-cache",
    group="memory-cache",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    polls=False,
    load=0.40,
    request_kinstructions=15.0,
    behaviour=replace(
        _STORE,
        compute_ns=200.0,
        llc_accesses=9.0,
        compulsory=0.25,
        partition_cost=0.14,
        code=replace(ENGINE, hot_bytes=36.0 * KIBIBYTE, fetched_lines=6.0),
        pages=Pages(hot=60_000.0, lookups=16.0, steepness=0.18),
        sharing=Sharing(lock_loads=4.0, transfers=0.10),
    ),
)
# The same in transparent huge pages: the second-level TLB is just enough, as long as no sibling looks up as much.
_MEMORY_CACHE_HUGE_PAGES = replace(
    _MEMORY_CACHE,
    name="memory-cache-huge-pages",
    load=0.42,
    behaviour=replace(
        _MEMORY_CACHE.behaviour, pages=Pages(hot=500.0, entries=STLB_HUGE_ENTRIES, lookups=10.0, steepness=1.5)
    ),
)

# Key-value store on a log-structured tree, interleaved over both sockets: half of its misses cross the links.
_KEY_VALUE = Workload(
    name="key-value",
    group="key-value",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=3,
    polls=False,
    load=0.45,
    request_kinstructions=40.0,
    behaviour=replace(
        _STORE,
        compute_ns=190.0,
        llc_accesses=13.0,
        footprint_bytes=90.0 * MEBIBYTE,
        compulsory=0.35,
        miss_exposed=0.40,
        remote=0.5,
        pages=Pages(hot=4000.0, lookups=8.0, steepness=0.5),
    ),
)
# The same during compaction: merges runs as fast as its own socket's memory gives them, endless; bandwidth and ports.
_KEY_VALUE_COMPACTION = replace(
    _KEY_VALUE,
    name="key-value-compaction",
    indicator=IndicatorKind.THROUGHPUT,
    load=None,
    behaviour=replace(
        _KEY_VALUE.behaviour,
        llc_accesses=22.0,
        prefetched=0.8,
        compulsory=0.6,
        retained=0.4,
        hit_exposed=0.08,
        miss_exposed=0.09,
        written=0.7,
        remote=0.05,
        row_missed=0.25,
        pages=Pages(hot=3000.0, lookups=3.0),
    ),
)

# Relational database, short transactions: code, latches and a buffer pool; a little of every axis.
_SQL = Workload(
    name="sql",
    group="sql",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    polls=False,
    load=0.35,
    request_kinstructions=700.0,
    behaviour=replace(
        _STORE,
        compute_ns=280.0,
        llc_accesses=8.0,
        footprint_bytes=26.0 * MEBIBYTE,
        steepness=0.7,
        compulsory=0.08,
        partition_cost=0.28,
        code=Code(hot_bytes=600.0 * KIBIBYTE, fetched_lines=36.0, steepness=0.4, beyond_l2=0.09, walks=0.3),
        pages=Pages(hot=16_000.0, lookups=12.0, steepness=0.4),
        sharing=Sharing(lock_loads=7.0, transfers=0.80, modified_abroad=0.06),
    ),
)
# The same for reports: vectorised scans and joins of columns; bandwidth and ports, locks not at all.
_SQL_ANALYTICS = replace(
    _SQL,
    name="sql-analytics",
    indicator=IndicatorKind.THROUGHPUT,
    load=None,
    request_kinstructions=50_000.0,
    behaviour=replace(
        _STORE,
        compute_ns=170.0,
        llc_accesses=18.0,
        steepness=0.6,
        compulsory=0.40,
        retained=0.3,
        prefetched=0.85,
        hit_exposed=0.08,
        miss_exposed=0.10,
        row_missed=0.2,
        port_demand=0.75,
        partition_cost=0.15,
        core=CoreBaseline(core_bound=0.22, wide=0.2),
        code=Code(hot_bytes=60.0 * KIBIBYTE, fetched_lines=4.0),
        pages=Pages(hot=2300.0, lookups=4.0),
        sharing=Sharing(lock_loads=0.2),
    ),
)

# Time series: appends to many series and compresses blocks; a cache that pays late, and seldom a wait that shows.
_TIME_SERIES = Workload(
    name="time-series",
    group="time-series",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=2,
    polls=False,
    load=0.88,
    request_kinstructions=30.0,
    behaviour=replace(
        _STORE,
        compute_ns=250.0,
        llc_accesses=7.0,
        footprint_bytes=22.0 * MEBIBYTE,
        steepness=2.2,
        compulsory=0.10,
        miss_exposed=0.40,
        written=0.6,
        port_demand=0.60,
        pages=Pages(hot=5000.0, lookups=9.0, steepness=0.9),
        sharing=Sharing(lock_loads=1.0, transfers=0.04),
    ),
)

# Message broker: producers hand lines over to consumers, with locks around the queues; hardly any data is kept.
_MESSAGE_BROKER = Workload(
    name="message-broker",
    group="message-broker",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=4,
    polls=False,
    load=0.93,
    request_kinstructions=10.0,
    behaviour=replace(
        _STORE,
        compute_ns=240.0,
        llc_accesses=9.0,
        footprint_bytes=9.0 * MEBIBYTE,
        steepness=0.8,
        compulsory=0.30,
        retained=0.6,
        prefetched=0.5,
        hit_exposed=0.35,
        miss_exposed=0.20,
        received_lines=4.0,
        sent_lines=9.0,
        packet_reads=2.0,
        ring_bytes=1.0 * MEBIBYTE,
        code=replace(ENGINE, hot_bytes=260.0 * KIBIBYTE, fetched_lines=30.0, steepness=0.4),
        pages=Pages(hot=700.0, lookups=3.0),
        sharing=Sharing(lock_loads=12.0, transfers=1.6, modified_abroad=0.08),
    ),
)

DATABASES = (
    _UDR,
    _UDR_HUGE_PAGES,
    _MEMORY_CACHE,
    _MEMORY_CACHE_HUGE_PAGES,
    _KEY_VALUE,
    _KEY_VALUE_COMPACTION,
    _SQL,
    _SQL_ANALYTICS,
    _TIME_SERIES,
    _MESSAGE_BROKER,
)
