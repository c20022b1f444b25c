"""Inference on the CPU with AMX: tiles over weights, which are either in the cache or streamed."""

from dataclasses import replace

from contracts.slowdown import IndicatorKind
from eval.testbed.behaviour import Behaviour, CoreBaseline, Pages, Sharing
from eval.testbed.catalogue.software import TIGHT_LOOP
from eval.testbed.hardware import MEBIBYTE, STLB_HUGE_ENTRIES
from eval.testbed.workload import Workload

_TILES = Behaviour(
    compute_ns=190.0,
    llc_accesses=16.0,
    footprint_bytes=400.0 * MEBIBYTE,
    prefetched=0.9,
    compulsory=0.5,
    hit_exposed=0.06,
    miss_exposed=0.07,
    written=0.05,
    row_missed=0.15,
    port_demand=0.70,
    partition_cost=0.18,
    l2_footprint=0.9,
    core=CoreBaseline(core_bound=0.30, fetch_latency=0.01, mispredicted=0.005, wide=0.85),
    code=TIGHT_LOOP,
    pages=Pages(hot=300.0, entries=STLB_HUGE_ENTRIES, lookups=1.5),
    sharing=Sharing(lock_loads=0.1, transfers=0.02),
)
"""What all of them start from: matrices that prefetchers see through."""

# Large language model, token by token: streams all weights for each, so memory bandwidth is its throughput.
_LLM = Workload(
    name="llm",
    group="llm",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=6,
    polls=False,
    load=None,
    request_kinstructions=100_000.0,
    behaviour=replace(
        _TILES,
        pages=Pages(hot=300.0, entries=STLB_HUGE_ENTRIES, lookups=0.4),
        compute_ns=120.0,
        compulsory=0.9,
        retained=0.1,
    ),
)
# A small one, quantised into half of the cache, answering people: what others insert is what it streams.
_LLM_SMALL = replace(
    _LLM,
    name="llm-small",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    load=0.32,
    request_kinstructions=20_000.0,
    behaviour=replace(
        _TILES,
        footprint_bytes=16.0 * MEBIBYTE,
        steepness=1.6,
        compulsory=0.05,
        prefetched=0.7,
        hit_exposed=0.10,
        miss_exposed=0.22,
    ),
)

# Recommendation: rows of embedding tables at random over gigabytes in small pages; walks and misses overlap little.
_EMBEDDING = Workload(
    name="embedding",
    group="embedding",
    indicator=IndicatorKind.LATENCY_P99,
    exclusive_cores=4,
    polls=False,
    load=0.34,
    request_kinstructions=3000.0,
    behaviour=replace(
        _TILES,
        compute_ns=160.0,
        llc_accesses=15.0,
        footprint_bytes=200.0 * MEBIBYTE,
        steepness=0.3,
        compulsory=0.3,
        prefetched=0.3,
        hit_exposed=0.15,
        miss_exposed=0.20,
        row_missed=0.9,
        port_demand=0.55,
        l2_footprint=0.7,
        core=CoreBaseline(core_bound=0.18, wide=0.4),
        pages=Pages(hot=80_000.0, lookups=12.0, steepness=0.25),
    ),
)
# The same with tables over both sockets and in huge pages: two rows of three come over the links.
_EMBEDDING_REMOTE = replace(
    _EMBEDDING,
    name="embedding-remote",
    load=0.47,
    behaviour=replace(_EMBEDDING.behaviour, remote=0.7, pages=Pages(hot=500.0, entries=STLB_HUGE_ENTRIES, lookups=6.0)),
)

# Image recognition: a network that fits the L2 layer by layer; ports, and nothing beyond its core.
_VISION = Workload(
    name="vision",
    group="vision",
    indicator=IndicatorKind.THROUGHPUT,
    exclusive_cores=2,
    polls=False,
    load=None,
    request_kinstructions=8000.0,
    behaviour=replace(
        _TILES,
        compute_ns=240.0,
        llc_accesses=3.0,
        footprint_bytes=10.0 * MEBIBYTE,
        steepness=0.8,
        compulsory=0.05,
        port_demand=0.95,
        partition_cost=0.12,
        pages=Pages(hot=150.0, lookups=1.0),
    ),
)

INFERENCE = (_LLM, _LLM_SMALL, _EMBEDDING, _EMBEDDING_REMOTE, _VISION)
