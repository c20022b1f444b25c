"""Who runs on a node, as the equilibrium needs to know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

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
class Scene:
    """All tenants of a node, and which of them share cores.

    Attributes:
        tenants: at least one a socket.
        siblings: ``(own, other, share)``: the share of tenant ``own``'s threads whose sibling thread is ``other``'s.
    """

    tenants: tuple[Tenant, ...]
    siblings: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneArrays:
    """A scene in columns, one entry a tenant; streams are the tenants' data, then the receive rings.

    Columns that are named as a field of ``Behaviour`` or ``Tenant`` mean the same; those that begin with ``code_``,
    ``pages_`` or ``sharing_`` are of ``Code``, ``Pages`` and ``Sharing``.

    Attributes:
        serving: workers that operations wait for.
        offered: operations a second, infinite where the tenant always has more to do.
        utilisation: of its workers, 0 to 1, as far as it follows from what is offered and not from contention.
        sibling_share: ``(tenants, tenants)``.
        stream_owner: tenant of each stream.
        ring_owner: tenant of each ring: ``stream_owner`` without the data streams.
        streams_of: indices of the streams of each socket.
        footprint, steepness, compulsory: one entry a stream.
        parts_of: indices of each socket's parts of the cache, among all parts.
        part_bytes: ``(parts,)``, what each holds.
        spread: ``(streams, parts)``, share of a stream's insertions that goes to each part; none to the other socket's.
    """

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
    code_hot_bytes: DoubleArray
    code_fetched_lines: DoubleArray
    code_steepness: DoubleArray
    code_beyond_l2: DoubleArray
    pages_hot: DoubleArray
    pages_entries: DoubleArray
    pages_lookups: DoubleArray
    pages_steepness: DoubleArray
    pages_cold: DoubleArray
    sharing_transfers: DoubleArray
    sharing_bus_locks: DoubleArray
    sibling_share: DoubleArray
    stream_owner: IndexArray
    ring_owner: IndexArray
    streams_of: tuple[IndexArray, ...]
    footprint: DoubleArray
    steepness: DoubleArray
    compulsory: DoubleArray
    retained: DoubleArray
    parts_of: tuple[IndexArray, ...]
    part_bytes: DoubleArray
    spread: DoubleArray

    @property
    def shares_cores(self) -> bool:
        """Whether any two threads share a core."""
        return bool(self.sibling_share.any())


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


_COLUMNS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            *("compute_ns", "forward_ns", "llc_accesses", "hit_exposed", "miss_exposed", "written", "remote"),
            *("port_demand", "partition_cost", "l2_footprint", "received_lines", "sent_lines", "packet_reads"),
            *("row_missed", "retained"),
        )
    },
    **{
        path.replace(".", "_"): path
        for path in (
            *("code.hot_bytes", "code.fetched_lines", "code.steepness", "code.beyond_l2"),
            *("pages.hot", "pages.entries", "pages.lookups", "pages.steepness", "pages.cold"),
            *("sharing.transfers", "sharing.bus_locks"),
        )
    },
}
"""Columns that are fields of a behaviour, by the path to them."""


@lru_cache(maxsize=512)
def arrays_of(scene: Scene) -> SceneArrays:
    """The scene in columns."""
    tenants = scene.tenants
    behaviours = [tenant.behaviour for tenant in tenants]
    socket = np.array([tenant.socket for tenant in tenants], dtype=np.intp)
    ring_owner = np.array([i for i, behaviour in enumerate(behaviours) if behaviour.ring_bytes > 0.0], dtype=np.intp)
    stream_owner = np.concatenate([np.arange(len(tenants)), ring_owner])
    streams_of = tuple(np.flatnonzero(socket[stream_owner] == number) for number in range(SOCKETS))
    masks = [tenant.ways for tenant in tenants] + [DDIO_MASK] * len(ring_owner)
    parts = [parts_of([masks[stream] for stream in streams]) for streams in streams_of]
    sibling_share = np.zeros((len(tenants), len(tenants)))
    for own, other, share in scene.siblings:
        sibling_share[own, other] = share
    of_ring = np.ones(len(ring_owner))
    ends = np.cumsum([0, *(len(of_socket.capacity) for of_socket in parts)])
    return SceneArrays(
        socket=socket,
        threads=np.array([tenant.threads for tenant in tenants], dtype=np.float64),
        serving=np.array([tenant.threads - tenant.forwarders for tenant in tenants], dtype=np.float64),
        offered=np.array([_offered_per_second(tenant) for tenant in tenants]),
        utilisation=np.array([_utilisation(tenant) for tenant in tenants]),
        places=np.array([tenant.places for tenant in tenants], dtype=np.float64),
        polls=np.array([tenant.polls for tenant in tenants], dtype=np.bool_),
        sibling_share=sibling_share,
        stream_owner=stream_owner,
        ring_owner=ring_owner,
        streams_of=streams_of,
        footprint=np.concatenate(
            [_column(behaviours, "footprint_bytes"), _column(behaviours, "ring_bytes")[ring_owner]]
        ),
        steepness=np.concatenate([_column(behaviours, "steepness"), of_ring]),
        compulsory=np.concatenate([_column(behaviours, "compulsory"), RING_COMPULSORY * of_ring]),
        parts_of=tuple(np.arange(begin, end) for begin, end in pairwise(ends)),
        part_bytes=np.concatenate([of_socket.capacity for of_socket in parts]),
        spread=_spread(parts, streams_of),
        **{column: _column(behaviours, path) for column, path in _COLUMNS.items()},
    )


def _column(behaviours: Sequence[Behaviour], path: str) -> DoubleArray:
    return np.array([attrgetter(path)(behaviour) for behaviour in behaviours], dtype=np.float64)


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


def _utilisation(tenant: Tenant) -> float:
    return 1.0 if tenant.polls or tenant.load is None else min(tenant.load, 1.0)
