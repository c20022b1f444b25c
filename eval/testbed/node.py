"""One simulated node: occupants come and go, time moves on by call, counters are read by the agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from agent.ceilings import DRAM_COMMANDS_PER_CLOCK, UPI_FLITS_PER_CLOCK
from agent.topology import Domain, Topology
from eval.testbed.board import CounterBoard
from eval.testbed.cores import CoreMap, CpuPolicy, Thread
from eval.testbed.equilibrium import Flows, equilibrium
from eval.testbed.errors import PlacementError, TestbedError
from eval.testbed.hardware import ALL_WAYS, CORES_PER_SOCKET, DRAM_PEAK_BYTES_PER_SECOND, LLC_BYTES, SOCKETS
from eval.testbed.housekeeping import HOUSEKEEPERS
from eval.testbed.indicator import indicators, slowdowns
from eval.testbed.noise import INDICATOR_NOISE, factors
from eval.testbed.offer import EventOffer
from eval.testbed.scene import Scene, Tenant
from eval.testbed.source import SimulatedSource
from eval.testbed.stressor import Stressor
from eval.testbed.ways import refuse_bad_mask
from eval.testbed.workload import Workload

Occupant = Workload | Stressor

START_WALL_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""
LOWEST_CLOCK_RATIO = 0.5
HIGHEST_CLOCK_RATIO = 1.6
"""1.25 to 4.0 GHz: a busy 8480+ core runs between its base clock of 2.0 and its turbo of 3.8."""


class SimulatedNode:
    """A two-socket Sapphire Rapids node that exists as arithmetic only; all that it shows is simulated.

    Its contention is in equilibrium at once: what comes or goes counts from the next ``advance`` on.

    Args:
        name: the Kubernetes node's name.
        offer: which events it offers.
        seed: for all its noise; the same calls on the same seed give the same counters.
        clock_ratio: core clock over nominal clock, with all cores busy.
        wall_ns: UTC nanoseconds since 1970 at the start.
        threads_per_core: 1 where SMT is switched off, else 2.
        cpu_policy: how kubelet hands out CPUs.
    """

    simulated = True

    def __init__(
        self,
        *,
        name: str,
        offer: EventOffer,
        seed: int,
        clock_ratio: float = 1.0,
        wall_ns: int = START_WALL_NS,
        threads_per_core: int = 2,
        cpu_policy: CpuPolicy = CpuPolicy.FULL_CORES,
    ) -> None:
        self.name = name
        self.offer = offer
        self.topology = _topology(threads_per_core)
        self.set_clock(clock_ratio)
        counters, indicators = np.random.default_rng(seed).spawn(2)
        self._indicator_rng = indicators
        self._board = CounterBoard(topology=self.topology, offer=offer, wall_ns=wall_ns, rng=counters)
        self._row_of = {cpu: row for row, cpu in enumerate(self._board.cpus)}
        self._cores = {
            domain.name: CoreMap(cores=CORES_PER_SOCKET, threads_per_core=threads_per_core, policy=cpu_policy)
            for domain in self.topology.domains
        }
        self._occupants: dict[str, dict[str, Occupant]] = {domain.name: {} for domain in self.topology.domains}
        self._threads: dict[str, tuple[Thread, ...]] = {}
        self._tenants: dict[str, Tenant] = {}
        self._measured: _Measured | None = None
        self._scene: Scene | None = None
        self._owners: NDArray[np.intp] | None = None

    def place(self, uid: str, occupant: Occupant, *, domain: str, ways: int = ALL_WAYS) -> None:
        """Start an occupant on a domain.

        Args:
            uid: nobody else's on this node.
            occupant, domain: who, where.
            ways: of the last-level cache that it may allocate in, as a bit mask: its class of service in resctrl.

        Raises:
            PlacementError: the uid is taken, there is no such domain, or there is no room.
            TestbedError: the mask is none that hardware would take.
        """
        if self._domain_of(uid) is not None:
            raise PlacementError(f"{uid} already runs on {self.name}: remove it first, or choose another uid")
        mask = refuse_bad_mask(ways)
        self._threads[uid] = self._core_map(domain).take(uid, occupant.exclusive_cores)
        self._occupants[domain][uid] = occupant
        self._tenants[uid] = _tenant(
            occupant, socket=self._socket_of(domain), threads=len(self._threads[uid]), ways=mask
        )
        self._scene = self._owners = None

    def remove(self, uid: str) -> None:
        """Stop an occupant.

        Raises:
            PlacementError: nobody of that uid runs here.
        """
        domain = self._domain_with(uid)
        self._cores[domain].release(uid)
        del self._occupants[domain][uid], self._threads[uid], self._tenants[uid]
        if self._measured is not None:
            self._measured.places.pop(uid, None)
        self._scene = self._owners = None

    def advance(self, seconds: float) -> None:
        """Let simulated time pass; counters count, indicators are measured anew.

        Raises:
            TestbedError: ``seconds`` is not above zero.
        """
        if not seconds > 0.0:
            raise TestbedError(f"{self.name} can't advance by {seconds} s: time moves forward")
        scene = self.scene
        self._board.advance(scene=scene, owners=self._owner_rows(), clock=self._clock_ratio, seconds=seconds)
        self._measured = _Measured(
            scene=scene,
            places={uid: place for place, (uid, _) in enumerate(self._in_order())},
            noise=factors(self._indicator_rng, INDICATOR_NOISE, len(scene.tenants)),
        )

    def source(self) -> SimulatedSource:
        """A counter source over this node's counters; several may be open at once."""
        return SimulatedSource(board=self._board, offer=self.offer)

    def free_cores(self, domain: str) -> int:
        """How many more workers a domain has room for: whole cores, or threads where the node hands out threads.

        Raises:
            PlacementError: there is no such domain.
        """
        return self._core_map(domain).free

    def occupants(self, domain: str) -> Mapping[str, Occupant]:
        """Who runs on a domain, by uid, in the order of arrival.

        Raises:
            PlacementError: there is no such domain.
        """
        self._core_map(domain)
        return MappingProxyType(self._occupants[domain])

    def exclusive_cpus(self, domain: str) -> Mapping[str, frozenset[int]]:
        """The CPUs that kubelet gave each pod of a domain, by uid; processes of the host are absent.

        Raises:
            PlacementError: there is no such domain.
        """
        cores, socket = self._core_map(domain), self._socket_of(domain)
        granted = {uid: cores.granted(uid) for uid in self._occupants[domain]}
        return {
            uid: frozenset(_cpu(socket, core, thread) for core, thread in threads)
            for uid, threads in granted.items()
            if threads
        }

    def indicator(self, uid: str) -> float:
        """A workload's own indicator over the last advance, with measurement noise.

        Returns:
            Requests a second, or the 99th percentile of latency in microseconds.

        Raises:
            PlacementError: nobody of that uid runs here.
            TestbedError: it is a stressor, or time has not moved on since it came.
        """
        workload, measured = self._workload(uid), self._measured
        if measured is None or uid not in measured.places:
            raise TestbedError(f"{uid} has no indicator yet: advance {self.name} first")
        place = measured.places[uid]
        return float(indicators(measured.scene, {place: workload})[0] * measured.noise[place])

    def true_slowdown(self, uid: str) -> float:
        """A workload's slowdown against having the node to itself, without noise; for oracles and scores only.

        Raises:
            PlacementError: nobody of that uid runs here.
            TestbedError: it is a stressor.
        """
        workload = self._workload(uid)
        place = [other for other, _ in self._in_order()].index(uid)
        return slowdowns(self.scene, {place: workload})[0]

    def true_slowdowns(self) -> dict[str, float]:
        """Those of all workloads that run here, by uid."""
        running = {
            place: (uid, occupant)
            for place, (uid, occupant) in enumerate(self._in_order())
            if isinstance(occupant, Workload)
        }
        values = slowdowns(self.scene, {place: workload for place, (_, workload) in running.items()})
        return {uid: value for (uid, _), value in zip(running.values(), values, strict=True)}

    def set_clock(self, ratio: float) -> None:
        """Set the core clock, as a ratio to the nominal one; no contention changes.

        Raises:
            TestbedError: no Sapphire Rapids core runs at that clock.
        """
        if not LOWEST_CLOCK_RATIO <= ratio <= HIGHEST_CLOCK_RATIO:
            raise TestbedError(
                f"clock ratio {ratio} is out of reach: {LOWEST_CLOCK_RATIO} to {HIGHEST_CLOCK_RATIO} is meant"
            )
        self._clock_ratio = ratio

    @property
    def clock_ratio(self) -> float:
        """Core clock over nominal clock."""
        return self._clock_ratio

    @property
    def wall_ns(self) -> int:
        """The node's own time, UTC nanoseconds since 1970."""
        return self._board.wall_ns

    def now(self) -> datetime:
        """The node's own time, for whoever needs a clock beside its counters."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.wall_ns // 1000)

    @property
    def scene(self) -> Scene:
        """All occupants as the equilibrium sees them, then one housekeeping tenant a socket."""
        if self._scene is None:
            indices = {uid: index for index, (uid, _) in enumerate(self._in_order())}
            siblings = tuple(
                (indices[uid], indices[other], share)
                for domain, occupants in self._occupants.items()
                for uid in occupants
                for other, share in self._cores[domain].sibling_owners(uid).items()
            )
            tenants = tuple(self._tenants[uid] for uid in indices)
            self._scene = Scene(tenants=tenants + HOUSEKEEPERS, siblings=siblings)
        return self._scene

    @property
    def flows(self) -> Flows:
        """What happens between the present occupants, without noise."""
        return equilibrium(self.scene)

    def _in_order(self) -> list[tuple[str, Occupant]]:
        return [entry for occupants in self._occupants.values() for entry in occupants.items()]

    def _owner_rows(self) -> NDArray[np.intp]:
        """Tenant of each CPU's row, -1 where nobody runs."""
        if self._owners is None:
            self._owners = np.full(len(self._row_of), -1, dtype=np.intp)
            for index, (uid, _) in enumerate(self._in_order()):
                socket = self._tenants[uid].socket
                rows = [self._row_of[_cpu(socket, core, thread)] for core, thread in self._threads[uid]]
                self._owners[rows] = index
        return self._owners

    def _core_map(self, domain: str) -> CoreMap:
        if domain not in self._cores:
            raise PlacementError(f"{self.name} has no domain {domain!r}: there are {', '.join(self._cores)}")
        return self._cores[domain]

    def _domain_of(self, uid: str) -> str | None:
        return next((domain for domain, occupants in self._occupants.items() if uid in occupants), None)

    def _domain_with(self, uid: str) -> str:
        domain = self._domain_of(uid)
        if domain is None:
            raise PlacementError(f"nobody called {uid} runs on {self.name}")
        return domain

    def _socket_of(self, domain: str) -> int:
        return list(self._occupants).index(domain)

    def _workload(self, uid: str) -> Workload:
        occupant = self._occupants[self._domain_with(uid)][uid]
        if not isinstance(occupant, Workload):
            raise TestbedError(f"{uid} is a stressor and has no indicator: ask for a workload's")
        return occupant


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """The last advance, for whoever asks for an indicator.

    Attributes:
        scene: who ran.
        places: among its tenants, by uid; who is removed is taken out.
        noise: a factor for each tenant.
    """

    scene: Scene
    places: dict[str, int]
    noise: NDArray[np.float64]


def _tenant(occupant: Occupant, *, socket: int, threads: int, ways: int = ALL_WAYS) -> Tenant:
    if isinstance(occupant, Stressor):
        return Tenant(behaviour=occupant.behaviour, socket=socket, threads=threads, load=occupant.load, ways=ways)
    return occupant.tenant(socket=socket, threads=threads, ways=ways)


def _cpu(socket: int, core: int, thread: int) -> int:
    """Linux numbers first threads of all cores, then second threads."""
    return thread * SOCKETS * CORES_PER_SOCKET + socket * CORES_PER_SOCKET + core


def _topology(threads_per_core: int) -> Topology:
    ceilings = {
        "NODE.LLC_BYTES": LLC_BYTES,
        "NODE.DRAM_PEAK_BYTES_PER_SECOND": DRAM_PEAK_BYTES_PER_SECOND,
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": DRAM_COMMANDS_PER_CLOCK,
        "NODE.UPI_PEAK_FLITS_PER_CLOCK": UPI_FLITS_PER_CLOCK,
    }
    return Topology(
        vendor="GenuineIntel",
        family=6,
        model=143,
        stepping=8,
        smt=threads_per_core > 1,
        domains=tuple(
            Domain(
                name=f"socket{socket}",
                socket=socket,
                cpus=tuple(
                    _cpu(socket, core, thread) for thread in range(threads_per_core) for core in range(CORES_PER_SOCKET)
                ),
                ceilings=ceilings,
            )
            for socket in range(SOCKETS)
        ),
    )
