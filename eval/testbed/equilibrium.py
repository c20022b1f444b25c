"""The joint equilibrium of a node's two sockets: everything that its tenants do to one another, at once.

Six kinds of unknowns: each tenant's time of an operation, each stream's cache occupancy, how long lines stay in each
part of the caches, each socket's memory latency, each socket's link latency, the share of time that the bus is locked.
The mechanisms say what a state implies for each of them; the equilibrium is the state that implies itself. So
contention is never added up: two aggressors that saturate one memory, or that take cache from each other as well as
from the victim, act through the shared state alone.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eval.testbed import frontend, tlb
from eval.testbed.cache import LEAST_INSERTIONS, filled, miss_ratio, occupancy
from eval.testbed.ddio import SENT_AFTER_EVICTION
from eval.testbed.hardware import (
    BUS_LOCK_NS,
    L2_HIT_NS,
    LINE_BYTES,
    LLC_HIT_NS,
    SOCKETS,
    TRANSFER_NS,
)
from eval.testbed.lock import bus_wait_ns, held_share
from eval.testbed.memory import dram_latency_ns, hop_ns
from eval.testbed.queueing import blocked_share
from eval.testbed.scene import Scene, SceneArrays, arrays_of
from eval.testbed.smt import POLLING_PORT_DEMAND, SPILL, excess_demand, room_beside
from eval.testbed.solver import Solution, solve

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flows:
    """What happens in one state, per tenant (first axis trial states, last axis tenants) or per socket.

    Attributes:
        service_ns: time of an operation on a worker that serves it.
        rate: operations a second, all threads.
        busy: share of a worker's time that it works, 0 to 1, the mean over all workers.
        active: share of a worker's time that it is unhalted: 1 where it polls.
        contact: time share in which the sibling thread is unhalted.
        smt_factor: computing time over computing time without siblings.
        accesses, misses: data requests to the last-level cache an operation, and those of them that miss it.
        packet_misses: reads of received packets that miss it, an operation.
        fetches: code lines an operation that come from beyond the L1I.
        code_accesses: of these, requests to the last-level cache.
        walks: translations an operation that the second-level TLB does not have.
        table_accesses: of page walks to the last-level cache, an operation.
        side_misses: of code and page tables, an operation.
        evicted: share of received packets that are evicted before they are read.
        hit_wait_ns, miss_wait_ns: exposed waits for data an operation.
        fetch_core_ns, walk_core_ns: exposed time of code and of walks up to the L2, an operation.
        fetch_wait_ns, walk_wait_ns: the same beyond it.
        bus_locked_ns: of locking the bus oneself, an operation.
        latency_ns: of a miss.
        bus_wait_ns: of any request beyond the L2.
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
    fetches: DoubleArray
    code_accesses: DoubleArray
    walks: DoubleArray
    table_accesses: DoubleArray
    side_misses: DoubleArray
    evicted: DoubleArray
    hit_wait_ns: DoubleArray
    miss_wait_ns: DoubleArray
    fetch_core_ns: DoubleArray
    walk_core_ns: DoubleArray
    fetch_wait_ns: DoubleArray
    walk_wait_ns: DoubleArray
    bus_locked_ns: DoubleArray
    latency_ns: DoubleArray
    bus_wait_ns: DoubleArray
    occupied: DoubleArray
    read: DoubleArray
    written: DoubleArray
    traffic: DoubleArray
    transmitted: DoubleArray


@lru_cache(maxsize=16384)
def solution(scene: Scene) -> Solution:
    """Where the scene's state implies itself, as far as slowdowns need it.

    Raises:
        EquilibriumError: nowhere was found.
    """
    return solve(arrays_of(scene))


@lru_cache(maxsize=2048)
def equilibrium(scene: Scene) -> Flows:
    """The state that implies itself; arrays without the trial axis.

    Raises:
        EquilibriumError: none was found.
    """
    flows, _ = flows_in(arrays_of(scene), solution(scene).state[None, :])
    return Flows(**{name: getattr(flows, name)[0] for name in Flows.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Unknowns:
    """A state's parts, in their order."""

    service: DoubleArray
    occupied: DoubleArray
    residence: DoubleArray
    latency: DoubleArray
    hop: DoubleArray
    held: DoubleArray


def _unknowns(arrays: SceneArrays, states: DoubleArray) -> _Unknowns:
    lengths = [len(arrays.threads), len(arrays.stream_owner), len(arrays.part_bytes), SOCKETS, SOCKETS]
    service, occupied, residence, latency, hop, held = np.split(np.exp(states), np.cumsum(lengths), axis=1)
    return _Unknowns(service=service, occupied=occupied, residence=residence, latency=latency, hop=hop, held=held)


def flows_in(arrays: SceneArrays, states: DoubleArray) -> tuple[Flows, DoubleArray]:
    """What happens in each trial state, and the state that it implies.

    Args:
        arrays: the scene.
        states: ``(trials, unknowns)``, logarithms.
    """
    tenants = len(arrays.threads)
    unknown = _unknowns(arrays, states)
    rate, busy = _worked(arrays, unknown.service)
    active = np.where(arrays.polls, 1.0, busy)
    siblings = _sibling_effects(arrays, busy, active)
    missed = miss_ratio(unknown.occupied, arrays.footprint, arrays.steepness, arrays.compulsory)
    evicted = np.zeros_like(unknown.service)
    evicted[:, arrays.ring_owner] = missed[:, tenants:]
    accesses = arrays.llc_accesses * siblings.spill
    misses = accesses * missed[:, :tenants]
    packet_misses = arrays.packet_reads * evicted
    hits = accesses - misses + arrays.packet_reads - packet_misses
    bus_wait = bus_wait_ns(unknown.held)
    latency = _miss_latency(arrays, unknown.latency, unknown.hop) + bus_wait
    hit_ns = LLC_HIT_NS + bus_wait
    code_accesses = siblings.fetches * np.minimum(arrays.code_beyond_l2 * siblings.code_spill, 1.0)
    table_accesses = tlb.TABLES_BEYOND_L2 * siblings.walks
    code_misses = code_accesses * frontend.CODE_EVICTED * missed[:, :tenants]
    table_misses = table_accesses * tlb.TABLES_EVICTED * missed[:, :tenants]
    side_misses = code_misses + table_misses
    read = (
        LINE_BYTES * rate * (misses + packet_misses + side_misses + SENT_AFTER_EVICTION * arrays.sent_lines * evicted)
    )
    written = LINE_BYTES * rate * (misses * arrays.written + arrays.received_lines * evicted)
    traffic, transmitted = _traffic(arrays, read, written)
    flows = Flows(
        service_ns=unknown.service,
        rate=rate,
        busy=busy,
        active=active,
        contact=siblings.contact,
        smt_factor=siblings.factor,
        accesses=accesses,
        misses=misses,
        packet_misses=packet_misses,
        fetches=siblings.fetches,
        code_accesses=code_accesses,
        walks=siblings.walks,
        table_accesses=table_accesses,
        side_misses=side_misses,
        evicted=evicted,
        hit_wait_ns=hits * arrays.hit_exposed * hit_ns + arrays.sharing_transfers * (TRANSFER_NS + bus_wait),
        miss_wait_ns=(misses + packet_misses) * arrays.miss_exposed * latency,
        fetch_core_ns=frontend.FETCH_EXPOSED * siblings.fetches * L2_HIT_NS,
        walk_core_ns=tlb.WALK_EXPOSED * siblings.walks * tlb.WALK_NS,
        fetch_wait_ns=frontend.FETCH_EXPOSED * (code_accesses * hit_ns + code_misses * (latency - hit_ns)),
        walk_wait_ns=tlb.WALK_EXPOSED * (table_accesses * hit_ns + table_misses * (latency - hit_ns)),
        bus_locked_ns=arrays.sharing_bus_locks * (BUS_LOCK_NS + bus_wait),
        latency_ns=latency,
        bus_wait_ns=np.broadcast_to(bus_wait, latency.shape),
        occupied=unknown.occupied,
        read=read,
        written=written,
        traffic=traffic,
        transmitted=transmitted,
    )
    return flows, np.log(_implied(arrays, flows, unknown))


def _implied(arrays: SceneArrays, flows: Flows, unknown: _Unknowns) -> DoubleArray:
    """What the mechanisms make of the flows, in the order of the unknowns."""
    received_evicted = flows.rate * arrays.received_lines * flows.evicted
    insertions = np.concatenate(
        [flows.rate * flows.misses * arrays.retained, received_evicted[:, arrays.ring_owner]], axis=1
    )
    held = occupancy(np.maximum(insertions, LEAST_INSERTIONS), unknown.residence, arrays.spread, arrays.footprint)
    own_ns = flows.fetch_core_ns + flows.walk_core_ns
    waits_ns = flows.hit_wait_ns + flows.miss_wait_ns + flows.fetch_wait_ns + flows.walk_wait_ns
    bus_locks = (flows.rate * arrays.sharing_bus_locks).sum(axis=1, keepdims=True)
    return np.concatenate(
        [
            arrays.compute_ns * flows.smt_factor + own_ns + waits_ns + flows.bus_locked_ns,
            held.sum(axis=2),
            unknown.residence / filled(held, unknown.residence, arrays.part_bytes),
            dram_latency_ns(flows.traffic),
            hop_ns(flows.transmitted[:, ::-1]),
            held_share(bus_locks),
        ],
        axis=1,
    )


def _miss_latency(arrays: SceneArrays, latency: DoubleArray, hop: DoubleArray) -> DoubleArray:
    """Local and remote latency in the proportion of each tenant's memory."""
    own, other = latency[:, arrays.socket], latency[:, 1 - arrays.socket]
    return own + arrays.remote * (other - own + hop[:, arrays.socket])


def _worked(arrays: SceneArrays, service_ns: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Operations a second, and how busy that keeps a worker, forwarders among them."""
    capacity = arrays.serving * 1e9 / service_ns
    endless = np.isinf(arrays.offered)
    offered = np.where(endless, capacity, arrays.offered)
    carried = offered * (1.0 - blocked_share(offered / capacity, arrays.places))
    rate = np.where(endless, capacity, carried)
    forwarding = rate * arrays.forward_ns * 1e-9
    return rate, np.minimum((rate / capacity * arrays.serving + forwarding) / arrays.threads, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Siblings:
    """What threads on the same cores do to a tenant, ``(trials, tenants)``.

    Attributes:
        contact: time share in which the sibling is unhalted.
        factor: computing time over computing time without siblings.
        spill, code_spill: factors on what goes beyond the L2, of data and of code.
        fetches: code lines an operation from beyond the L1I.
        walks: page walks an operation.
    """

    contact: DoubleArray
    factor: DoubleArray
    spill: DoubleArray
    code_spill: DoubleArray
    fetches: DoubleArray
    walks: DoubleArray


def _sibling_effects(arrays: SceneArrays, busy: DoubleArray, active: DoubleArray) -> _Siblings:
    """What two threads of a core share: ports, the L1I, the L2 and the second-level TLB."""
    fetched = (arrays.code_fetched_lines, arrays.code_hot_bytes)
    looked_up = (arrays.pages_lookups, arrays.pages_hot, arrays.pages_entries)
    ones = np.ones_like(busy)
    contact, factor, spill, code_spill, code_room, page_room = np.zeros_like(busy), ones, ones, ones, ones, ones
    if arrays.shares_cores:
        polling = np.where(arrays.polls, (1.0 - busy) * POLLING_PORT_DEMAND, 0.0)
        demand = (busy * arrays.port_demand + polling) / active
        contacts = arrays.sibling_share * active[:, None, :]
        excess = excess_demand(arrays.port_demand[None, :, None], demand[:, None, :])
        crowded = (contacts * arrays.l2_footprint).sum(axis=2)
        working = arrays.sibling_share * busy[:, None, :]
        contact = contacts.sum(axis=2)
        factor = 1.0 + (contacts * (arrays.partition_cost[:, None] + excess)).sum(axis=2)
        spill, code_spill = 1.0 + SPILL * crowded, 1.0 + frontend.CODE_FROM_SIBLING * crowded
        code_room = room_beside(working, frontend.demand(*fetched), frontend.wanted_share(arrays.code_hot_bytes))
        page_room = room_beside(
            working, tlb.demand(*looked_up), tlb.wanted_share(arrays.pages_hot, arrays.pages_entries)
        )
    return _Siblings(
        contact=contact,
        factor=factor,
        spill=spill,
        code_spill=code_spill,
        fetches=frontend.l1i_misses(code_room, *fetched, arrays.code_steepness),
        walks=tlb.walks(page_room, *looked_up, steepness=arrays.pages_steepness, cold=arrays.pages_cold),
    )


def _traffic(arrays: SceneArrays, read: DoubleArray, written: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Bytes a second at each socket's memory, and sent by each socket over its links."""
    total = read + written
    here = arrays.socket == np.arange(SOCKETS)[:, None]
    local = (total * (1.0 - arrays.remote)) @ here.T
    abroad = (total * arrays.remote) @ here.T
    reads_abroad = (read * arrays.remote) @ here.T
    writes_abroad = (written * arrays.remote) @ here.T
    return local + abroad[:, ::-1], reads_abroad[:, ::-1] + writes_abroad
