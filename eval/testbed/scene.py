"""Who runs on a node, as the equilibrium needs to know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from eval.testbed._solver import ffi
from eval.testbed.behaviour import Behaviour
from eval.testbed.cache import miss_ratio
from eval.testbed.ddio import RING_COMPULSORY
from eval.testbed.frontend import CODE_EVICTED, FETCH_EXPOSED, l1i_misses
from eval.testbed.hardware import (
    ALL_WAYS,
    BUS_LOCK_NS,
    DDIO_MASK,
    DRAM_IDLE_NS,
    L2_HIT_NS,
    LLC_BYTES,
    LLC_HIT_NS,
    SOCKETS,
    TRANSFER_NS,
    UPI_HOP_NS,
)
from eval.testbed.hashed_once import HashedOnce
from eval.testbed.tlb import TABLES_BEYOND_L2, TABLES_EVICTED, WALK_EXPOSED, WALK_NS, walks
from eval.testbed.ways import Parts, parts_of

DoubleArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One occupant in its place.

    Attributes:
        behaviour: what it does to the hardware.
        socket: where it runs.
        threads: workers, each a hardware thread of its own.
        forwarders: of these, those that only pass operations on and never hold them up.
        load: offered load over what it could do with an idle memory system; ``None`` where it always has more to do.
        places: customers that fit into a worker's queue.
        polls: whether its workers spin when there is nothing to do.
        ways: of the last-level cache that it may insert into, as a bit mask.
    """

    behaviour: Behaviour
    socket: int
    threads: int
    load: float | None
    forwarders: int = 0
    places: int = 64
    polls: bool = False
    ways: int = ALL_WAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene(HashedOnce):
    """All tenants of a node, and which of them share cores.

    Attributes:
        tenants: at least one a socket.
        siblings: ``(own, other, share)``: the share of tenant ``own``'s threads whose sibling thread is ``other``'s.
    """

    tenants: tuple[Tenant, ...]
    siblings: tuple[tuple[int, int, float], ...] = ()

    __hash__ = HashedOnce.__hash__


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneArrays:
    """A scene in columns, one entry a tenant; streams are the tenants' data, then the receive rings.

    Columns that are named as a field of ``Behaviour`` or ``Tenant`` mean the same; those that begin with ``core_``,
    ``code_``, ``pages_`` or ``sharing_`` are of ``CoreBaseline``, ``Code``, ``Pages`` and ``Sharing``.

    Attributes:
        table: ``(tenants, columns)``, what the solver needs of each tenant, in the order of its ``leeward_tenant``.
        serving: workers that operations wait for.
        offered: operations a second, infinite where the tenant always has more to do.
        utilisation: of its workers, 0 to 1, as far as it follows from what is offered and not from contention.
        sibling_share: ``(tenants, tenants)``.
        stream_owner: tenant of each stream.
        ring_owner: tenant of each ring: ``stream_owner`` without the data streams.
        streams_of: indices of the streams of each socket.
        footprint, steepness, compulsory: one entry a stream.
        part_socket: of each part of the caches.
        part_bytes: ``(parts,)``, what each holds.
        spread: ``(streams, parts)``, share of a stream's insertions that goes to each part; none to the other socket's.
    """

    table: DoubleArray
    socket: IndexArray
    threads: DoubleArray
    serving: DoubleArray
    offered: DoubleArray
    utilisation: DoubleArray
    places: DoubleArray
    polls: NDArray[np.bool_]
    compute_ns: DoubleArray
    forward_ns: DoubleArray
    llc_accesses: DoubleArray
    prefetched: DoubleArray
    hit_exposed: DoubleArray
    miss_exposed: DoubleArray
    written: DoubleArray
    remote: DoubleArray
    port_demand: DoubleArray
    partition_cost: DoubleArray
    l2_footprint: DoubleArray
    received_lines: DoubleArray
    sent_lines: DoubleArray
    packet_reads: DoubleArray
    row_missed: DoubleArray
    core_mispredicted: DoubleArray
    core_fetch_latency: DoubleArray
    core_core_bound: DoubleArray
    core_l2_stalled: DoubleArray
    core_wide: DoubleArray
    code_hot_bytes: DoubleArray
    code_fetched_lines: DoubleArray
    code_steepness: DoubleArray
    code_beyond_l2: DoubleArray
    code_walks: DoubleArray
    pages_hot: DoubleArray
    pages_entries: DoubleArray
    pages_lookups: DoubleArray
    pages_steepness: DoubleArray
    pages_cold: DoubleArray
    sharing_lock_loads: DoubleArray
    sharing_transfers: DoubleArray
    sharing_modified_abroad: DoubleArray
    sharing_bus_locks: DoubleArray
    sibling_share: DoubleArray
    stream_owner: IndexArray
    ring_owner: IndexArray
    streams_of: tuple[IndexArray, ...]
    footprint: DoubleArray
    steepness: DoubleArray
    compulsory: DoubleArray
    retained: DoubleArray
    part_socket: IndexArray
    part_bytes: DoubleArray
    spread: DoubleArray

    @property
    def shares_cores(self) -> bool:
        """Whether any two threads share a core."""
        return bool(self.sibling_share.any())

    @property
    def unknowns(self) -> int:
        """How many the equilibrium has: service times, occupancies, residences, two latencies a socket, the bus."""
        return len(self.threads) + len(self.stream_owner) + len(self.part_bytes) + 2 * SOCKETS + 1


def unloaded_service_ns(behaviour: Behaviour) -> float:
    """Time of an operation with the node to itself and an idle memory system; what a tenant's load is set against."""
    missed = float(_miss_ratio_alone(behaviour)[0])
    misses = behaviour.llc_accesses * missed
    hits = behaviour.llc_accesses - misses + behaviour.packet_reads
    latency = DRAM_IDLE_NS + behaviour.remote * UPI_HOP_NS
    return (
        behaviour.compute_ns
        + hits * behaviour.hit_exposed * LLC_HIT_NS
        + misses * behaviour.miss_exposed * latency
        + behaviour.sharing.transfers * TRANSFER_NS
        + behaviour.sharing.bus_locks * BUS_LOCK_NS
        + _fetch_ns(behaviour, missed, latency)
        + _walk_ns(behaviour, missed, latency)
    )


def _miss_ratio_alone(behaviour: Behaviour) -> DoubleArray:
    return miss_ratio(
        np.array([LLC_BYTES]),
        np.array([behaviour.footprint_bytes]),
        np.array([behaviour.steepness]),
        np.array([behaviour.compulsory]),
    )


def _fetch_ns(behaviour: Behaviour, missed: float, latency: float) -> float:
    code = behaviour.code
    lines = float(
        l1i_misses(np.ones(1), np.array([code.fetched_lines]), np.array([code.hot_bytes]), np.array([code.steepness]))[
            0
        ]
    )
    beyond = _beyond_l2_ns(CODE_EVICTED * missed, latency)
    return lines * FETCH_EXPOSED * (L2_HIT_NS + code.beyond_l2 * beyond)


def _walk_ns(behaviour: Behaviour, missed: float, latency: float) -> float:
    pages = behaviour.pages
    walked = float(
        walks(
            np.ones(1),
            np.array([pages.lookups]),
            np.array([pages.hot]),
            np.array([pages.entries]),
            steepness=np.array([pages.steepness]),
            cold=np.array([pages.cold]),
        )[0]
    )
    return walked * WALK_EXPOSED * (WALK_NS + TABLES_BEYOND_L2 * _beyond_l2_ns(TABLES_EVICTED * missed, latency))


def _beyond_l2_ns(missed: float, latency: float) -> float:
    return LLC_HIT_NS + missed * (latency - LLC_HIT_NS)


_OF_TENANT = ("socket", "threads", "serving", "offered", "places", "polls", "utilisation")
_OF_STREAMS = frozenset({"footprint_bytes", "ring_bytes", "steepness", "compulsory"})
"""Columns that become one entry a stream."""
_SOLVED = tuple(name for name, _ in ffi.typeof("leeward_tenant").fields)
_COUNTED = (
    *("utilisation", "prefetched", "row_missed", "code_walks", "sharing_lock_loads", "sharing_modified_abroad"),
    *("core_mispredicted", "core_fetch_latency", "core_core_bound", "core_l2_stalled", "core_wide"),
)
"""What counters need besides."""
_NAMES = _SOLVED + _COUNTED


def _path(column: str) -> str:
    """To a column's field, from the behaviour."""
    part, _, rest = column.partition("_")
    return f"{part}.{rest}" if part in {"core", "code", "pages", "sharing"} else column


_OF_BEHAVIOUR = tuple(name for name in _NAMES if name not in _OF_TENANT)
_behaviour_values = attrgetter(*map(_path, _OF_BEHAVIOUR))


@lru_cache(maxsize=4096)
def _row(tenant: Tenant) -> DoubleArray:
    """A tenant's entries of all columns."""
    values = {
        **dict(zip(_OF_BEHAVIOUR, _behaviour_values(tenant.behaviour), strict=True)),
        "socket": tenant.socket,
        "threads": tenant.threads,
        "serving": tenant.threads - tenant.forwarders,
        "offered": _offered_per_second(tenant),
        "places": tenant.places,
        "polls": tenant.polls,
        "utilisation": 1.0 if tenant.polls or tenant.load is None else min(tenant.load, 1.0),
    }
    return np.array([values[name] for name in _NAMES], dtype=np.float64)


@lru_cache(maxsize=1024)
def arrays_of(scene: Scene) -> SceneArrays:
    """The scene in columns."""
    tenants = scene.tenants
    table = np.array([_row(tenant) for tenant in tenants])
    columns = dict(zip(_NAMES, np.ascontiguousarray(table.T), strict=True))
    socket = columns.pop("socket").astype(np.intp)
    ring_bytes = columns["ring_bytes"]
    ring_owner = np.flatnonzero(ring_bytes > 0.0)
    stream_owner = np.concatenate([np.arange(len(tenants)), ring_owner])
    streams_of = tuple(np.flatnonzero(socket[stream_owner] == number) for number in range(SOCKETS))
    masks = [tenant.ways for tenant in tenants] + [DDIO_MASK] * len(ring_owner)
    parts = [parts_of([masks[stream] for stream in streams.tolist()]) for streams in streams_of]
    sibling_share = np.zeros((len(tenants), len(tenants)))
    for own, other, share in scene.siblings:
        sibling_share[own, other] = share
    of_ring = np.ones(len(ring_owner))
    return SceneArrays(
        table=np.ascontiguousarray(table[:, : len(_SOLVED)]),
        socket=socket,
        polls=columns.pop("polls") > 0.0,
        sibling_share=sibling_share,
        stream_owner=stream_owner,
        ring_owner=ring_owner,
        streams_of=streams_of,
        footprint=np.concatenate([columns["footprint_bytes"], ring_bytes[ring_owner]]),
        steepness=np.concatenate([columns["steepness"], of_ring]),
        compulsory=np.concatenate([columns["compulsory"], RING_COMPULSORY * of_ring]),
        part_socket=np.repeat(np.arange(SOCKETS), [len(of_socket.capacity) for of_socket in parts]),
        part_bytes=np.concatenate([of_socket.capacity for of_socket in parts]),
        spread=_spread(parts, streams_of),
        **{name: column for name, column in columns.items() if name not in _OF_STREAMS},
    )


def _spread(parts: Sequence[Parts], streams_of: Sequence[IndexArray]) -> DoubleArray:
    """Both sockets' in one table."""
    spread = np.zeros((sum(map(len, streams_of)), sum(len(of_socket.capacity) for of_socket in parts)))
    begin = 0
    for of_socket, streams in zip(parts, streams_of, strict=True):
        end = begin + len(of_socket.capacity)
        spread[streams, begin:end] = of_socket.spread
        begin = end
    return spread


def _offered_per_second(tenant: Tenant) -> float:
    if tenant.load is None:
        return float("inf")
    serving = tenant.threads - tenant.forwarders
    return tenant.load * serving * 1e9 / unloaded_service_ns(tenant.behaviour)
