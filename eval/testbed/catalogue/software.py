"""What workloads are built on: how much code they go round in, how their pages lie, how packets reach them.

Families start from these with ``dataclasses.replace`` and say what sets a workload apart.
"""

from eval.testbed.behaviour import Behaviour, Code, CoreBaseline, Pages, Sharing
from eval.testbed.hardware import KIBIBYTE, MEBIBYTE, STLB_HUGE_ENTRIES

TIGHT_LOOP = Code(hot_bytes=10.0 * KIBIBYTE, fetched_lines=1.0, beyond_l2=0.005, walks=0.001)
"""A kernel of arithmetic: the micro-operation cache holds nearly all of it."""
POLL_LOOP = Code(hot_bytes=40.0 * KIBIBYTE, fetched_lines=5.0, beyond_l2=0.01, walks=0.002)
"""A poll-mode driver and a few graph nodes behind it: some one line a thousand instructions is not in the L1I."""
KERNEL_PATH = Code(hot_bytes=220.0 * KIBIBYTE, fetched_lines=30.0, steepness=0.35, beyond_l2=0.06, walks=0.05)
"""Interrupt, network stack, system call and back, for each packet or request."""
ENGINE = Code(hot_bytes=150.0 * KIBIBYTE, fetched_lines=18.0, steepness=0.5, beyond_l2=0.05, walks=0.04)
"""An engine in native code, of a database or of storage."""
SERVICE = Code(hot_bytes=700.0 * KIBIBYTE, fetched_lines=52.0, steepness=0.25, beyond_l2=0.10, walks=0.4)
"""A service mesh's worth of parsers, runtimes and frameworks: code that no first-level cache holds."""

HUGE_PAGES = Pages(hot=200.0, entries=STLB_HUGE_ENTRIES, lookups=2.0)
"""2 MiB pages for all packet buffers and tables."""
DIRECT_MAP = Pages(hot=120.0, entries=STLB_HUGE_ENTRIES, lookups=1.0)
"""The kernel's own view of all memory: what never leaves the kernel is translated by huge pages."""
PROCESS_PAGES = Pages(hot=2600.0, lookups=9.0, steepness=0.8)
"""The heap of an ordinary process in 4 KiB pages."""
GIGABYTE_PAGES = Pages(hot=12.0, entries=STLB_HUGE_ENTRIES, lookups=0.4)
"""1 GiB pages for all packet buffers and tables."""
BIG_MEMORY = Pages(hot=30_000.0, lookups=18.0, steepness=0.35)
"""Gigabytes in 4 KiB pages, visited by key."""

POLL_MODE = Behaviour(
    compute_ns=150.0,
    llc_accesses=6.0,
    footprint_bytes=4.0 * MEBIBYTE,
    compulsory=0.03,
    hit_exposed=0.25,
    miss_exposed=0.35,
    port_demand=0.60,
    partition_cost=0.22,
    received_lines=3.0,
    sent_lines=3.0,
    packet_reads=1.2,
    ring_bytes=1.5 * MEBIBYTE,
    core=CoreBaseline(core_bound=0.14, fetch_latency=0.03),
    code=POLL_LOOP,
    pages=HUGE_PAGES,
    sharing=Sharing(lock_loads=0.1, transfers=0.04),
)
"""A packet function that spins over its receive rings."""
INTERRUPTED = Behaviour(
    compute_ns=260.0,
    llc_accesses=7.0,
    footprint_bytes=5.0 * MEBIBYTE,
    steepness=0.8,
    compulsory=0.06,
    hit_exposed=0.35,
    miss_exposed=0.45,
    port_demand=0.55,
    partition_cost=0.30,
    l2_footprint=0.6,
    received_lines=2.5,
    sent_lines=2.5,
    packet_reads=1.5,
    ring_bytes=1.0 * MEBIBYTE,
    core=CoreBaseline(mispredicted=0.05, fetch_latency=0.09, core_bound=0.08, l2_stalled=0.09),
    code=KERNEL_PATH,
    pages=PROCESS_PAGES,
    sharing=Sharing(lock_loads=3.0, transfers=0.15, modified_abroad=0.03),
)
"""A packet function behind the kernel's network stack."""
