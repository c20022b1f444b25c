"""What the core counters of each tenant's threads count a second."""

import numpy as np
from numpy.typing import NDArray

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
from eval.testbed.scene import Scene, SceneArrays, arrays_of

DoubleArray = NDArray[np.float64]

POLLED_INSTRUCTIONS_PER_SECOND = 3.5e9
"""Of an empty poll loop: all its loads hit the L1 (*assumed*). They dilute every rate that is set against
instructions, and keep the rate of instructions up where the work gets slower."""
POLLING_CORE_BOUND = 0.25
"""Slots that wait for the loop's own dependences (*assumed*)."""
CODE_WALKS_FROM_SIBLING = 1.5
"""By how much walks of the instruction TLB rise beside a sibling that leaves the thread no L1I (*assumed*)."""


def core_rates(scene: Scene, flows: Flows, ratio: DoubleArray) -> dict[str, DoubleArray]:
    """Counts a second and thread of every core event of the contract, one entry a tenant.

    Args:
        scene: who runs.
        flows: what happens, perhaps with a window's own noise.
        ratio: core clock over nominal clock of each tenant's cores.
    """
    arrays = arrays_of(scene)
    time = _TimeShares(arrays, flows, ratio)
    operations = flows.rate / arrays.threads
    return (
        _clocks(flows, time)
        | _top_down(arrays, flows, time)
        | _stalls(arrays, flows, time, operations)
        | _events(arrays, flows, operations)
    )


class _TimeShares:
    """How a tenant's unhalted core clocks divide."""

    def __init__(self, arrays: SceneArrays, flows: Flows, ratio: DoubleArray) -> None:
        waits_ns = (
            flows.hit_wait_ns + flows.miss_wait_ns + flows.fetch_wait_ns + flows.walk_wait_ns + flows.bus_locked_ns
        )
        core_ns = flows.fetch_core_ns + flows.walk_core_ns + arrays.compute_ns * flows.smt_factor + arrays.forward_ns
        nominal = flows.busy / flows.active / (waits_ns + core_ns)
        waited = nominal * waits_ns
        self.stretched = waiting_share(waited, ratio) / waited
        waiting = self.stretched * nominal
        shrunk = (1.0 - self.stretched * waited) / (1.0 - waited)
        working = shrunk * nominal
        self.missing = waiting * flows.miss_wait_ns
        self.hitting = waiting * flows.hit_wait_ns
        self.locking = waiting * flows.bus_locked_ns
        self.fetching = waiting * flows.fetch_wait_ns + working * flows.fetch_core_ns
        self.walking = waiting * flows.walk_wait_ns + working * flows.walk_core_ns
        self.alone = working * (arrays.compute_ns + arrays.forward_ns)
        self.beside = working * arrays.compute_ns * (flows.smt_factor - 1.0)
        self.polling = shrunk * np.maximum(1.0 - flows.busy / flows.active, 0.0)
        self.clocks = flows.active * NOMINAL_CLOCK_HZ * ratio


def _clocks(flows: Flows, time: _TimeShares) -> dict[str, DoubleArray]:
    alone = 1.0 - flows.contact
    return {
        "CPU_CLK_UNHALTED.THREAD": time.clocks,
        "CPU_CLK_UNHALTED.DISTRIBUTED": time.clocks * (1.0 - 0.5 * flows.contact),
        "CPU_CLK_UNHALTED.REF_DISTRIBUTED": flows.active * CRYSTAL_HZ * (1.0 - 0.5 * flows.contact),
        "CPU_CLK_UNHALTED.ONE_THREAD_ACTIVE": flows.active * CRYSTAL_HZ * alone,
        "CPU_CLK_UNHALTED.REF_TSC": flows.active * TSC_HZ,
    }


def _top_down(arrays: SceneArrays, flows: Flows, time: _TimeShares) -> dict[str, DoubleArray]:
    """Slots of a core with two active threads are divided between them (Intel SDM, TOPDOWN.SLOTS)."""
    slots = SLOTS_PER_CLOCK * time.clocks * (1.0 - 0.5 * flows.contact)
    of_memory = time.missing + time.hitting + time.walking + time.locking
    memory_bound = of_memory + arrays.core_l2_stalled * time.alone
    port_bound = arrays.core_core_bound * time.alone + time.beside + POLLING_CORE_BOUND * time.polling
    fetch_latency = time.fetching + arrays.core_fetch_latency * time.alone
    mispredicted = arrays.core_mispredicted * time.alone
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


def _stalls(arrays: SceneArrays, flows: Flows, time: _TimeShares, operations: DoubleArray) -> dict[str, DoubleArray]:
    hit_ns = LLC_HIT_NS + flows.bus_wait_ns
    waited_ns = (flows.misses + flows.packet_misses) * flows.latency_ns + (flows.accesses - flows.misses) * hit_ns
    outstanding = operations / flows.active * 1e-9 * waited_ns
    full = np.minimum((outstanding / SUPER_QUEUE_ENTRIES) ** 2 * time.stretched, 0.95)
    l3_missed = time.clocks * time.missing
    l2_missed = l3_missed + time.clocks * time.hitting
    return {
        "MEMORY_ACTIVITY.STALLS_L3_MISS": l3_missed,
        "MEMORY_ACTIVITY.STALLS_L2_MISS": l2_missed,
        "MEMORY_ACTIVITY.STALLS_L1D_MISS": l2_missed + time.clocks * arrays.core_l2_stalled * time.alone,
        "XQ.FULL_CYCLES": time.clocks * full,
        "ICACHE_DATA.STALLS": time.clocks * time.fetching,
    }


def _events(arrays: SceneArrays, flows: Flows, operations: DoubleArray) -> dict[str, DoubleArray]:
    """Things that happen a number of times an operation, whatever the clock."""
    polled = np.where(arrays.polls, np.maximum(flows.active - flows.busy, 0.0), 0.0)
    waited_for = 1.0 - arrays.prefetched
    misses = operations * (waited_for * flows.misses + flows.packet_misses)
    unshared = waited_for * (flows.accesses - flows.misses) + arrays.packet_reads - flows.packet_misses
    side_accesses = flows.code_accesses + flows.table_accesses
    remote = arrays.remote
    elsewhere = arrays.sharing_modified_abroad
    transfers = operations * arrays.sharing_transfers
    code_alone = np.maximum(arrays.code_fetched_lines, 1e-12)
    crowded = 1.0 + CODE_WALKS_FROM_SIBLING * np.minimum(flows.fetches / code_alone, 1.0) * flows.contact
    return {
        "INST_RETIRED.ANY": 1000.0 * operations + POLLED_INSTRUCTIONS_PER_SECOND * polled,
        "MEM_LOAD_RETIRED.L3_HIT": operations * unshared + transfers,
        "MEM_LOAD_RETIRED.L3_MISS": misses,
        "LONGEST_LAT_CACHE.REFERENCE": operations * (flows.accesses + arrays.packet_reads + side_accesses) + transfers,
        "LONGEST_LAT_CACHE.MISS": operations * (flows.misses + flows.packet_misses + flows.side_misses),
        "L2_RQSTS.ALL_CODE_RD": operations * flows.fetches,
        "L2_RQSTS.CODE_RD_MISS": operations * flows.code_accesses,
        "DTLB_LOAD_MISSES.WALK_COMPLETED": operations * flows.walks,
        "ITLB_MISSES.WALK_COMPLETED": operations * arrays.code_walks * crowded,
        "MEM_INST_RETIRED.LOCK_LOADS": operations * arrays.sharing_lock_loads,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD": transfers,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_NO_FWD": 0.01 * operations * unshared,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_MISS": 0.02 * operations * unshared,
        "MEM_LOAD_L3_HIT_RETIRED.XSNP_NONE": 0.97 * operations * unshared,
        "MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM": misses * (1.0 - elsewhere) * (1.0 - remote),
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_DRAM": misses * (1.0 - elsewhere) * remote,
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_HITM": misses * elsewhere * 0.6,
        "MEM_LOAD_L3_MISS_RETIRED.REMOTE_FWD": misses * elsewhere * 0.4,
    }
