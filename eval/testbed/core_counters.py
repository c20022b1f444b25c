"""What the core counters of each tenant's threads count a second."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.testbed.behaviour import CoreBaseline
from eval.testbed.clock import waiting_share
from eval.testbed.equilibrium import Flows
from eval.testbed.hardware import (
    CRYSTAL_HZ,
    LLC_HIT_NS,
    NOMINAL_CLOCK_HZ,
    SLOTS_PER_CLOCK,
    SUPER_QUEUE_ENTRIES,
    TSC_HZ,
)
from eval.testbed.scene import Scene, arrays_of

DoubleArray = NDArray[np.float64]

POLLED_INSTRUCTIONS_PER_SECOND = 2.0e9
"""Of an empty poll loop with a pause (*assumed*). They dilute every rate that is set against instructions."""
POLLING_CORE_BOUND = 0.25
"""Slots that wait behind the pause (*assumed*)."""
WALKS_FROM_SIBLING = 0.4
"""The second-level TLB is shared: by how much walks rise beside a sibling that is always there (*assumed*)."""
CODE_MISSES_FROM_SIBLING = 0.6
"""The L2 is shared: the same for code that misses it (*assumed*)."""


def core_rates(scene: Scene, flows: Flows, ratio: DoubleArray) -> dict[str, DoubleArray]:
    """Counts a second and thread of every core event of the contract, one entry a tenant.

    Args:
        scene: who runs.
        flows: what happens, perhaps with a window's own noise.
        ratio: core clock over nominal clock of each tenant's socket.
    """
    time = _TimeShares(scene, flows, ratio)
    operations = flows.rate / arrays_of(scene).threads
    return (
        _clocks(flows, time)
        | _top_down(scene, flows, time)
        | _stalls(scene, flows, time, operations)
        | _events(scene, flows, operations)
    )


class _TimeShares:
    """How a tenant's unhalted core clocks divide."""

    def __init__(self, scene: Scene, flows: Flows, ratio: DoubleArray) -> None:
        arrays = arrays_of(scene)
        computing_ns = arrays.compute_ns * flows.smt_factor
        service_ns = computing_ns + flows.hit_wait_ns + flows.miss_wait_ns
        working = flows.busy / flows.active
        waited = working * (flows.hit_wait_ns + flows.miss_wait_ns) / service_ns
        self.stretched = waiting_share(waited, ratio) / waited
        self.missing = self.stretched * working * flows.miss_wait_ns / service_ns
        self.hitting = self.stretched * working * flows.hit_wait_ns / service_ns
        shrunk = (1.0 - self.stretched * waited) / (1.0 - waited)
        self.computing = shrunk * working * computing_ns / service_ns
        self.polling = shrunk * (1.0 - working)
        self.clocks = flows.active * NOMINAL_CLOCK_HZ * ratio


def _baseline(scene: Scene, name: str) -> DoubleArray:
    cores: Sequence[CoreBaseline] = [tenant.behaviour.core for tenant in scene.tenants]
    return np.array([getattr(core, name) for core in cores], dtype=np.float64)


def _clocks(flows: Flows, time: _TimeShares) -> dict[str, DoubleArray]:
    alone = 1.0 - flows.contact
    return {
        "CPU_CLK_UNHALTED.THREAD": time.clocks,
        "CPU_CLK_UNHALTED.DISTRIBUTED": time.clocks * (1.0 - 0.5 * flows.contact),
        "CPU_CLK_UNHALTED.REF_DISTRIBUTED": flows.active * CRYSTAL_HZ * (1.0 - 0.5 * flows.contact),
        "CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE": flows.active * CRYSTAL_HZ * alone,
        "CPU_CLK_UNHALTED.REF_TSC": flows.active * TSC_HZ,
    }


def _top_down(scene: Scene, flows: Flows, time: _TimeShares) -> dict[str, DoubleArray]:
    """Slots of a core with two active threads are divided between them (Intel SDM, TOPDOWN.SLOTS)."""
    slots = SLOTS_PER_CLOCK * time.clocks * (1.0 - 0.5 * flows.contact)
    alone = time.computing / flows.smt_factor
    memory_bound = time.missing + time.hitting + _baseline(scene, "l2_stalled") * alone
    port_bound = _baseline(scene, "core_bound") * alone + (time.computing - alone) + POLLING_CORE_BOUND * time.polling
    fetch_latency = _baseline(scene, "fetch_latency") * alone
    mispredicted = _baseline(scene, "mispredicted") * alone
    return {
        "TOPDOWN.SLOTS": slots,
        "TOPDOWN.SLOTS_P": slots,
        "PERF_METRICS.MEMORY_BOUND": slots * memory_bound,
        "TOPDOWN.MEMORY_BOUND_SLOTS": slots * memory_bound,
        "PERF_METRICS.BACKEND_BOUND": slots * (memory_bound + port_bound),
        "TOPDOWN.BACKEND_BOUND_SLOTS": slots * (memory_bound + port_bound),
        "PERF_METRICS.FETCH_LATENCY": slots * fetch_latency,
        "PERF_METRICS.BRANCH_MISPREDICTS": slots * mispredicted,
        "TOPDOWN.BR_MISPREDICT_SLOTS": slots * mispredicted,
    }


def _stalls(scene: Scene, flows: Flows, time: _TimeShares, operations: DoubleArray) -> dict[str, DoubleArray]:
    alone = time.computing / flows.smt_factor
    outstanding = (
        operations
        / flows.active
        * 1e-9
        * ((flows.misses + flows.packet_misses) * flows.latency_ns + (flows.accesses - flows.misses) * LLC_HIT_NS)
    )
    full = np.minimum((outstanding / SUPER_QUEUE_ENTRIES) ** 2 * time.stretched, 0.95)
    l3_missed = time.clocks * time.missing
    l2_missed = l3_missed + time.clocks * time.hitting
    return {
        "MEMORY_ACTIVITY.STALLS_L3_MISS": l3_missed,
        "MEMORY_ACTIVITY.STALLS_L2_MISS": l2_missed,
        "MEMORY_ACTIVITY.STALLS_L1D_MISS": l2_missed + time.clocks * _baseline(scene, "l2_stalled") * alone,
        "XQ.FULL_CYCLES": time.clocks * full,
        "ICACHE_DATA.STALLS": time.clocks * _baseline(scene, "icache_stalled") * alone,
    }


def _events(scene: Scene, flows: Flows, operations: DoubleArray) -> dict[str, DoubleArray]:
    """Things that happen a number of times an operation, whatever the clock."""
    polled = np.array([tenant.polls for tenant in scene.tenants]) * (flows.active - flows.busy)
    waited_for = 1.0 - np.array([tenant.behaviour.prefetched for tenant in scene.tenants])
    packets = arrays_of(scene).packet_reads - flows.packet_misses
    misses = operations * (waited_for * flows.misses + flows.packet_misses)
    hits = operations * (waited_for * (flows.accesses - flows.misses) + packets)
    every_miss = operations * (flows.misses + flows.packet_misses)
    every_access = operations * (flows.accesses + arrays_of(scene).packet_reads)
    remote = arrays_of(scene).remote
    elsewhere = _baseline(scene, "modified_elsewhere")
    forwarded = _baseline(scene, "snoop_forwarded")
    walks = operations * (1.0 + WALKS_FROM_SIBLING * flows.contact)
    code_reads = operations * _baseline(scene, "code_reads")
    code_missed = np.minimum(_baseline(scene, "code_missed") * (1.0 + CODE_MISSES_FROM_SIBLING * flows.contact), 1.0)
    return {
        "INST_RETIRED.ANY": 1000.0 * operations + POLLED_INSTRUCTIONS_PER_SECOND * polled,
        "MEM_LOAD_RETIRED.L3_HIT": hits,
        "MEM_LOAD_RETIRED.L3_MISS": misses,
        "LONGEST_LAT_CACHE.REFERENCE": every_access,
        "LONGEST_LAT_CACHE.MISS": every_miss,
        "L2_RQSTS.ALL_CODE_RD": code_reads,
        "L2_RQSTS.CODE_RD_MISS": code_reads * code_missed,
        "DTLB_LOAD_MISSES.WALK_COMPLETED": walks * _baseline(scene, "dtlb_walks"),
        "ITLB_MISSES.WALK_COMPLETED": walks * _baseline(scene, "itlb_walks"),
        "MEM_INST_RETIRED.LOCK_LOADS": operations * _baseline(scene, "lock_loads"),
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD": hits * forwarded,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_NO_FWD": hits * 0.5 * forwarded,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_MISS": hits * 0.02,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_NONE": hits * (0.98 - 1.5 * forwarded),
        "MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM": misses * (1.0 - elsewhere) * (1.0 - remote),
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM": misses * (1.0 - elsewhere) * remote,
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM": misses * elsewhere * 0.6,
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD": misses * elsewhere * 0.4,
    }
