"""Who runs on a node, as the equilibrium needs to know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eval.testbed.behaviour import Behaviour
from eval.testbed.cache import miss_ratio
from eval.testbed.ddio import ring_caps
from eval.testbed.hardware import DRAM_IDLE_NS, LLC_BYTES, LLC_HIT_NS, SOCKETS, UPI_HOP_NS

DoubleArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One occupant in its place.

    Attributes:
        behaviour: what it does to the hardware.
        socket: where it runs.
        threads: workers, each a hardware thread of its own.
        load: offered load over what it could do with an idle memory system; ``None`` where it always has more to do.
        places: customers that fit into a worker's queue.
        polls: whether its workers spin when there is nothing to do.
    """

    behaviour: Behaviour
    socket: int
    threads: int
    load: float | None
    places: int = 64
    polls: bool = False


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

    Columns that are named as a field of ``Behaviour`` or ``Tenant`` mean the same.

    Attributes:
        offered: operations a second, infinite where the tenant always has more to do.
        sibling_share: ``(tenants, tenants)``.
        stream_owner: tenant of each stream.
        ring_owner: tenant of each ring: ``stream_owner`` without the data streams.
        streams_of: indices of the streams of each socket.
        footprint, cap, steepness, compulsory: one entry a stream; ``cap`` is what it may hold of the cache.
    """

    socket: IndexArray
    threads: DoubleArray
    offered: DoubleArray
    places: DoubleArray
    polls: NDArray[np.bool_]
    compute_ns: DoubleArray
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
    sibling_share: DoubleArray
    stream_owner: IndexArray
    ring_owner: IndexArray
    streams_of: tuple[IndexArray, ...]
    footprint: DoubleArray
    cap: DoubleArray
    steepness: DoubleArray
    compulsory: DoubleArray
    retained: DoubleArray

    @property
    def shares_cores(self) -> bool:
        """Whether any two threads share a core."""
        return bool(self.sibling_share.any())


def unloaded_service_ns(behaviour: Behaviour) -> float:
    """Time of an operation with the cache to itself and an idle memory system; what a tenant's load is set against."""
    own = miss_ratio(
        np.array([LLC_BYTES]),
        np.array([behaviour.footprint_bytes]),
        np.array([behaviour.steepness]),
        np.array([behaviour.compulsory]),
    )
    misses = behaviour.llc_accesses * float(own[0])
    hits = behaviour.llc_accesses - misses + behaviour.packet_reads
    latency = DRAM_IDLE_NS + behaviour.remote * UPI_HOP_NS
    return behaviour.compute_ns + hits * behaviour.hit_exposed * LLC_HIT_NS + misses * behaviour.miss_exposed * latency


_COLUMNS = (
    "compute_ns",
    "llc_accesses",
    "hit_exposed",
    "miss_exposed",
    "written",
    "remote",
    "port_demand",
    "partition_cost",
    "l2_footprint",
    "received_lines",
    "sent_lines",
    "packet_reads",
    "row_missed",
)
"""Fields of a behaviour that are columns under their own names."""
_RING_COMPULSORY = 0.02
"""Share of device writes that allocate although their ring is in the cache."""


@lru_cache(maxsize=512)
def arrays_of(scene: Scene) -> SceneArrays:
    """The scene in columns."""
    tenants = scene.tenants
    behaviours = [tenant.behaviour for tenant in tenants]
    socket = np.array([tenant.socket for tenant in tenants], dtype=np.intp)
    ring_owner = np.array([i for i, behaviour in enumerate(behaviours) if behaviour.ring_bytes > 0.0], dtype=np.intp)
    stream_owner = np.concatenate([np.arange(len(tenants)), ring_owner])
    sibling_share = np.zeros((len(tenants), len(tenants)))
    for own, other, share in scene.siblings:
        sibling_share[own, other] = share
    of_ring = np.ones(len(ring_owner))
    footprint = np.concatenate([_column(behaviours, "footprint_bytes"), _column(behaviours, "ring_bytes")[ring_owner]])
    return SceneArrays(
        socket=socket,
        threads=np.array([tenant.threads for tenant in tenants], dtype=np.float64),
        offered=np.array([_offered_per_second(tenant) for tenant in tenants]),
        places=np.array([tenant.places for tenant in tenants], dtype=np.float64),
        polls=np.array([tenant.polls for tenant in tenants], dtype=np.bool_),
        sibling_share=sibling_share,
        stream_owner=stream_owner,
        ring_owner=ring_owner,
        streams_of=tuple(np.flatnonzero(socket[stream_owner] == number) for number in range(SOCKETS)),
        footprint=footprint,
        cap=_caps(footprint, tenants=len(tenants), ring_socket=socket[ring_owner]),
        steepness=np.concatenate([_column(behaviours, "steepness"), of_ring]),
        compulsory=np.concatenate([_column(behaviours, "compulsory"), _RING_COMPULSORY * of_ring]),
        retained=_column(behaviours, "retained"),
        **{name: _column(behaviours, name) for name in _COLUMNS},
    )


def _column(behaviours: Sequence[Behaviour], name: str) -> DoubleArray:
    return np.array([getattr(behaviour, name) for behaviour in behaviours], dtype=np.float64)


def _caps(footprint: DoubleArray, *, tenants: int, ring_socket: IndexArray) -> DoubleArray:
    """What each stream may hold: the cache for data, the devices' ways for the rings of a socket together."""
    caps = np.minimum(footprint, LLC_BYTES)
    for number in range(SOCKETS):
        rings = tenants + np.flatnonzero(ring_socket == number)
        caps[rings] = ring_caps(footprint[rings])
    return caps


def _offered_per_second(tenant: Tenant) -> float:
    if tenant.load is None:
        return float("inf")
    return tenant.load * tenant.threads * 1e9 / unloaded_service_ns(tenant.behaviour)
