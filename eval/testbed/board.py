"""All counters of one node and its clocks; what the simulated source reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.sources.protocol import Reading
from agent.topology import Topology
from contracts.events import Pmu
from eval.testbed.clock import Clocks
from eval.testbed.core_counters import core_rates
from eval.testbed.counters import CounterBank
from eval.testbed.equilibrium import Flows, equilibrium
from eval.testbed.hardware import CHA_BOXES, IIO_BOXES, IMC_BOXES, SOCKETS, UPI_BOXES
from eval.testbed.noise import COUNT_NOISE, factors, one_window
from eval.testbed.offer import EventOffer
from eval.testbed.scene import Scene, arrays_of
from eval.testbed.uncore_counters import uncore_rates

DoubleArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

OCCUPANCY = "RESCTRL.LLC_OCCUPANCY_BYTES"
_BOXES: Mapping[Pmu, int] = {Pmu.CHA: CHA_BOXES, Pmu.IMC: IMC_BOXES, Pmu.UPI: UPI_BOXES, Pmu.IIO: IIO_BOXES}
_TICKS = frozenset({"UNC_M_CLOCKTICKS", "UNC_UPI_CLOCKTICKS"})
_MONOTONIC_AT_START_NS = 3_600_000_000_000
"""The node has been up for an hour."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stay:
    """Some time in which nothing changed; as in ``CounterBoard.advance``."""

    scene: Scene
    owners: IndexArray
    clock: float
    seconds: float


class CounterBoard:
    """Counts what happens on a node, window after window.

    Args:
        topology: the node's domains, one a socket.
        offer: the node's events.
        wall_ns: UTC nanoseconds since 1970 at the start.
        rng: for all noise of the counters.
    """

    def __init__(self, *, topology: Topology, offer: EventOffer, wall_ns: int, rng: np.random.Generator) -> None:
        self.wall_ns = wall_ns
        self._monotonic_ns = _MONOTONIC_AT_START_NS
        self._rng = rng
        self._clocks = Clocks(rng)
        self._domains = tuple(domain.name for domain in topology.domains)
        self._cpus = tuple(cpu for domain in topology.domains for cpu in domain.cpus)
        cpu_domains = tuple(domain.name for domain in topology.domains for _ in domain.cpus)
        self._sockets_of_cpus = np.array([domain.socket for domain in topology.domains for _ in domain.cpus])
        self._share = 1.0 / np.bincount(self._sockets_of_cpus)[self._sockets_of_cpus]
        self._uncounted: list[_Stay] = []
        self._offers_occupancy = OCCUPANCY in offer.events
        self._occupancy = np.zeros(SOCKETS)
        self._core = CounterBank(
            pmu=Pmu.CORE, instances=tuple(f"cpu{cpu}" for cpu in self._cpus), domains=cpu_domains, offer=offer
        )
        self._uncore = {
            pmu: CounterBank(
                pmu=pmu,
                instances=tuple(f"uncore_{pmu}_{box}@{name}" for name in self._domains for box in range(boxes)),
                domains=tuple(name for name in self._domains for _ in range(boxes)),
                offer=offer,
            )
            for pmu, boxes in _BOXES.items()
        }
        self._resctrl = CounterBank(
            pmu=Pmu.RESCTRL,
            instances=tuple(f"root@{name}" for name in self._domains),
            domains=self._domains,
            offer=offer,
        )

    @property
    def cpus(self) -> tuple[int, ...]:
        """Logical CPUs in the order of the core rows."""
        return self._cpus

    def advance(self, *, scene: Scene, owners: IndexArray, clock: float, seconds: float) -> None:
        """Count on; nothing is worked out before somebody reads.

        Args:
            scene: who runs, and one housekeeping tenant a socket at the end, whose work is spread over all its CPUs.
            owners: tenant of each CPU, -1 where nobody runs.
            clock: core clock over nominal clock with all cores busy.
            seconds: above zero.
        """
        self._uncounted.append(_Stay(scene=scene, owners=owners, clock=clock, seconds=seconds))
        elapsed_ns = round(seconds * 1e9)
        self.wall_ns += elapsed_ns
        self._monotonic_ns += elapsed_ns

    def _count(self, stay: _Stay) -> None:
        scene, flows = stay.scene, equilibrium(stay.scene)
        window = one_window(flows, self._rng)
        per_thread = core_rates(scene, window, self._clocks.advance(scene, stay.clock))
        self._core.advance(self._spread(per_thread, stay), stay.seconds, self._rng)
        rates = uncore_rates(scene, window)
        for pmu, boxes in _BOXES.items():
            bank = self._uncore[pmu]
            shared = [rates[pmu][event] if event in _TICKS else rates[pmu][event] / boxes for event in bank.events]
            bank.advance(np.repeat(_table(shared), boxes, axis=1), stay.seconds, self._rng)
        resctrl = [rates[Pmu.RESCTRL][event] for event in self._resctrl.events]
        self._resctrl.advance(_table(resctrl), stay.seconds, self._rng)
        self._occupancy = _occupied(scene, flows) * np.minimum(factors(self._rng, COUNT_NOISE, SOCKETS), 1.0)

    def reading(self, opened: frozenset[str]) -> Reading:
        """All counters as they stand."""
        for stay in self._uncounted:
            self._count(stay)
        self._uncounted.clear()
        banks = (self._core, *self._uncore.values(), self._resctrl)
        gauges = {}
        if self._offers_occupancy and OCCUPANCY in opened:
            gauges = {
                name: {OCCUPANCY: float(round(value))}
                for name, value in zip(self._domains, self._occupancy.tolist(), strict=True)
            }
        return Reading(
            wall_ns=self.wall_ns,
            monotonic_ns=self._monotonic_ns,
            blocks=tuple(block for bank in banks for block in bank.blocks(opened)),
            gauges=gauges,
        )

    def _spread(self, per_thread: Mapping[str, DoubleArray], stay: _Stay) -> DoubleArray:
        """From tenants to CPUs, ``(events, rows)``."""
        tenants = len(stay.scene.tenants)
        background = tenants - SOCKETS + self._sockets_of_cpus
        values = _table([per_thread[event] for event in self._core.events], columns=tenants)
        own = np.where(stay.owners >= 0, values[:, stay.owners], 0.0)
        return np.asarray(own + self._share * values[:, background])


def _table(rows: Sequence[DoubleArray], *, columns: int = SOCKETS) -> DoubleArray:
    return np.array(rows) if rows else np.empty((0, columns))


def _occupied(scene: Scene, flows: Flows) -> DoubleArray:
    """Bytes of each socket's cache that somebody holds."""
    return np.array([flows.occupied[streams].sum() for streams in arrays_of(scene).streams_of])
