"""The joint equilibrium of a node's two sockets: everything that its tenants do to one another, at once.

Four kinds of unknowns: each tenant's time of an operation, each stream's cache occupancy, each socket's memory latency,
each socket's link latency. The mechanisms say what a state implies for each of them; the equilibrium is the state that
implies itself. So contention is never added up: two aggressors that saturate one memory, or that take cache from each
other as well as from the victim, act through the shared state alone.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eval.testbed.cache import miss_ratio, shared_cache
from eval.testbed.ddio import SENT_AFTER_EVICTION
from eval.testbed.errors import EquilibriumError
from eval.testbed.hardware import DRAM_IDLE_NS, LINE_BYTES, LLC_BYTES, LLC_HIT_NS, SOCKETS, UPI_HOP_NS
from eval.testbed.memory import dram_latency_ns, hop_ns
from eval.testbed.queueing import blocked_share
from eval.testbed.scene import Scene, SceneArrays, arrays_of
from eval.testbed.smt import POLLING_PORT_DEMAND, SPILL, excess_demand

DoubleArray = NDArray[np.float64]

_PRECISION = 1e-10
_STEPS = 80
_PROBE = 1e-7
_LONGEST_STEP = 1.0
_LEAST_INSERTIONS = 1.0
"""Lines a second; a stream that never misses still has its place in a division."""
_TRIAL_STEPS = np.array([1.0, 0.5, 0.25, 0.1, 0.03, 0.01])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flows:
    """What happens in one state, per tenant (first axis trial states, last axis tenants) or per socket.

    Attributes:
        service_ns: time of an operation.
        rate: operations a second, all threads.
        busy: share of a worker's time that it works, 0 to 1.
        active: share of a worker's time that it is unhalted: 1 where it polls.
        contact: time share in which the sibling thread is unhalted.
        smt_factor: computing time over computing time without siblings.
        accesses, misses: requests to the last-level cache an operation, and those of them that miss it.
        packet_misses: reads of received packets that miss it, an operation.
        evicted: share of received packets that are evicted before they are read.
        hit_wait_ns, miss_wait_ns: exposed waits an operation.
        latency_ns: of a miss.
        occupied: ``(..., streams)`` bytes.
        read, written: bytes a second of each tenant to and from memory.
        traffic: ``(..., sockets)`` bytes a second at each socket's memory.
        transmitted: ``(..., sockets)`` bytes a second that each socket sends over its links.
    """

    service_ns: DoubleArray
    rate: DoubleArray
    busy: DoubleArray
    active: DoubleArray
    contact: DoubleArray
    smt_factor: DoubleArray
    accesses: DoubleArray
    misses: DoubleArray
    packet_misses: DoubleArray
    evicted: DoubleArray
    hit_wait_ns: DoubleArray
    miss_wait_ns: DoubleArray
    latency_ns: DoubleArray
    occupied: DoubleArray
    read: DoubleArray
    written: DoubleArray
    traffic: DoubleArray
    transmitted: DoubleArray


@lru_cache(maxsize=4096)
def equilibrium(scene: Scene) -> Flows:
    """The state that implies itself; arrays without the trial axis.

    Raises:
        EquilibriumError: none was found.
    """
    arrays = arrays_of(scene)
    flows, _ = _flows(arrays, _solved(arrays)[None, :])
    return Flows(**{name: getattr(flows, name)[0] for name in Flows.__slots__})


def _solved(arrays: SceneArrays) -> DoubleArray:
    """Logarithms of the unknowns, by Newton's method with a numerical Jacobian and the best of a few step lengths."""
    state: DoubleArray = _start(arrays)
    size = len(state)
    probes = _PROBE * np.eye(size)
    for _ in range(_STEPS):
        residuals = _residual(arrays, np.concatenate([state[None, :], state + probes]))
        residual = residuals[0]
        if np.abs(residual).max() < _PRECISION:
            return state
        jacobian = ((residuals[1:] - residual) / _PROBE).T
        step = np.linalg.solve(jacobian, -residual)
        step *= min(1.0, _LONGEST_STEP / np.abs(step).max())
        trials = state + _TRIAL_STEPS[:, None] * step
        state = trials[int(np.argmin(np.linalg.norm(_residual(arrays, trials), axis=1)))]
    raise EquilibriumError(
        f"no equilibrium of {len(arrays.threads)} tenants after {_STEPS} steps (residual "
        f"{np.abs(residual).max():.2g}): a behaviour has an implausible parameter"
    )


def _start(arrays: SceneArrays) -> DoubleArray:
    """Footprints scaled into the cache, idle memory, and a few damped steps from there."""
    occupied = arrays.cap.copy()
    for streams in arrays.streams_of:
        occupied[streams] *= min(1.0, LLC_BYTES / occupied[streams].sum())
    service = arrays.compute_ns + arrays.llc_accesses * LLC_HIT_NS
    state = np.log(np.concatenate([service, occupied, np.full(SOCKETS, DRAM_IDLE_NS), np.full(SOCKETS, UPI_HOP_NS)]))
    for _ in range(6):
        state = state + 0.5 * np.clip(_residual(arrays, state[None, :])[0], -_LONGEST_STEP, _LONGEST_STEP)
    return np.asarray(state)


def _residual(arrays: SceneArrays, states: DoubleArray) -> DoubleArray:
    return np.asarray(_flows(arrays, states)[1] - states)


def _flows(arrays: SceneArrays, states: DoubleArray) -> tuple[Flows, DoubleArray]:
    """What happens in each trial state, and the state that it implies."""
    tenants, streams = len(arrays.threads), len(arrays.stream_owner)
    values = np.exp(states)
    service, occupied = values[:, :tenants], values[:, tenants : tenants + streams]
    latency, hop = values[:, -2 * SOCKETS : -SOCKETS], values[:, -SOCKETS:]
    rate, busy = _worked(arrays, service)
    active = np.where(arrays.polls, 1.0, busy)
    contact, smt_factor, spill = _sibling_effects(arrays, busy, active)
    missed = miss_ratio(occupied, arrays.footprint, arrays.steepness, arrays.compulsory)
    evicted = np.zeros_like(service)
    evicted[:, arrays.ring_owner] = missed[:, tenants:]
    accesses = arrays.llc_accesses * spill
    misses = accesses * missed[:, :tenants]
    packet_misses = arrays.packet_reads * evicted
    hits = accesses - misses + arrays.packet_reads - packet_misses
    miss_latency = _miss_latency(arrays, latency, hop)
    read = LINE_BYTES * rate * (misses + packet_misses + SENT_AFTER_EVICTION * arrays.sent_lines * evicted)
    written = LINE_BYTES * rate * (misses * arrays.written + arrays.received_lines * evicted)
    traffic, transmitted = _traffic(arrays, read, written)
    flows = Flows(
        service_ns=service,
        rate=rate,
        busy=busy,
        active=active,
        contact=contact,
        smt_factor=smt_factor,
        accesses=accesses,
        misses=misses,
        packet_misses=packet_misses,
        evicted=evicted,
        hit_wait_ns=hits * arrays.hit_exposed * LLC_HIT_NS,
        miss_wait_ns=(misses + packet_misses) * arrays.miss_exposed * miss_latency,
        latency_ns=miss_latency,
        occupied=occupied,
        read=read,
        written=written,
        traffic=traffic,
        transmitted=transmitted,
    )
    return flows, np.log(_implied(arrays, flows))


def _implied(arrays: SceneArrays, flows: Flows) -> DoubleArray:
    """What the mechanisms make of the flows, in the order of the unknowns."""
    received_evicted = flows.rate * arrays.received_lines * flows.evicted
    insertions = np.concatenate(
        [flows.rate * flows.misses * arrays.retained, received_evicted[:, arrays.ring_owner]], axis=1
    )
    return np.concatenate(
        [
            arrays.compute_ns * flows.smt_factor + flows.hit_wait_ns + flows.miss_wait_ns,
            _occupancies(arrays, insertions),
            dram_latency_ns(flows.traffic),
            hop_ns(flows.transmitted[:, ::-1]),
        ],
        axis=1,
    )


def _miss_latency(arrays: SceneArrays, latency: DoubleArray, hop: DoubleArray) -> DoubleArray:
    """Local and remote latency in the proportion of each tenant's memory."""
    own, other = latency[:, arrays.socket], latency[:, 1 - arrays.socket]
    return own + arrays.remote * (other - own + hop[:, arrays.socket])


def _worked(arrays: SceneArrays, service_ns: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Operations a second, and how busy that keeps a worker."""
    capacity = arrays.threads * 1e9 / service_ns
    endless = np.isinf(arrays.offered)
    offered = np.where(endless, capacity, arrays.offered)
    carried = offered * (1.0 - blocked_share(offered / capacity, arrays.places))
    rate = np.where(endless, capacity, carried)
    return rate, rate / capacity


def _sibling_effects(
    arrays: SceneArrays, busy: DoubleArray, active: DoubleArray
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Time in contact with a sibling, how much longer computing takes, and how many more cache requests there are."""
    if not arrays.shares_cores:
        ones = np.ones_like(busy)
        return np.zeros_like(busy), ones, ones
    polling = np.where(arrays.polls, (1.0 - busy) * POLLING_PORT_DEMAND, 0.0)
    demand = (busy * arrays.port_demand + polling) / active
    contacts = arrays.sibling_share * active[:, None, :]
    excess = excess_demand(arrays.port_demand[None, :, None], demand[:, None, :])
    factor = 1.0 + (contacts * (arrays.partition_cost[:, None] + excess)).sum(axis=2)
    spill = 1.0 + SPILL * (contacts * arrays.l2_footprint).sum(axis=2)
    return contacts.sum(axis=2), factor, spill


def _traffic(arrays: SceneArrays, read: DoubleArray, written: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Bytes a second at each socket's memory, and sent by each socket over its links."""
    total = read + written
    here = arrays.socket == np.arange(SOCKETS)[:, None]
    local = (total * (1.0 - arrays.remote)) @ here.T
    abroad = (total * arrays.remote) @ here.T
    reads_abroad = (read * arrays.remote) @ here.T
    writes_abroad = (written * arrays.remote) @ here.T
    return local + abroad[:, ::-1], reads_abroad[:, ::-1] + writes_abroad


def _occupancies(arrays: SceneArrays, insertions: DoubleArray) -> DoubleArray:
    occupied = np.empty_like(insertions)
    for streams in arrays.streams_of:
        inserted = np.maximum(insertions[:, streams], _LEAST_INSERTIONS)
        occupied[:, streams] = shared_cache(inserted, arrays.cap[streams], LLC_BYTES)
    return occupied
