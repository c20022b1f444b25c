"""A node of some variety, observed for one window by the agent's own sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.once import observe
from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology_sysfs import l3_id, numa_node, read_topology
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec
from contracts.formula import events_of
from contracts.nodestate import NodeState, Status
from tests.unit.agent.fake_kernel import RAW, FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import add_resctrl, build
from tests.unit.agent.nodes import VARIETIES, Variety

WINDOW_SECONDS = 1.0
_CORE_RATES = {
    0x400: 12.0,  # slots
    0x1A4: 12.0,  # slots, raw
    0x8300: 4.8,  # back-end bound
    0x2A4: 4.8,
    0x8700: 3.0,  # of it memory bound
    0x10A4: 3.0,
    0x3C: 2.0,  # cycles
    0x2EC: 1.5,  # cycles shared out between two threads
    0x20D1: 0.01,  # loads that missed the L3
    0x4D1: 0.03,  # loads that hit it
}
_UNCORE_RATES = {
    0x101: 2.4,  # DRAM clock
    0x01: 1.2,  # its half, and UPI's clock
    0xFF05: 0.06,  # column accesses
    0xF005: 0.02,  # of them writes
    0xF02: 0.3,  # data flits
    0xF03: 0.3,
}
_BYTES_A_SECOND = 20_000_000_000


def rate(counter: OpenCounter) -> float:
    """Counts a nanosecond: what lies within every feature's range."""
    return (_CORE_RATES if counter.type == RAW else _UNCORE_RATES).get(counter.config, 0.01)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a feature came from.

    Attributes:
        pmus: who counted its events.
        fallback: 0 for the formula itself, 1 for its first fallback.
    """

    pmus: frozenset[Pmu]
    fallback: int


class VariedNode:
    """A fabricated node; its time moves on when it is observed."""

    def __init__(self, root: Path, variety: Variety) -> None:
        self.variety = variety
        self.roots = build(root, variety.machine)
        self.settings = AgentSettings(
            node="node-1",
            roots=self.roots,
            state_directory=root / "state",
            window_seconds=WINDOW_SECONDS,
            isolated_cpus=variety.isolated_cpus,
            remote_reads_per_second=1e6,
        )
        self.fake = FakeKernel(rate=rate, refuse=variety.refuse, counters=variety.counters)
        self.read_trees()
        self._monitor(seconds=0.0)

    def read_trees(self) -> None:
        """Read the topology as it now is, for sources that are not open yet."""
        self.topology = read_topology(self.roots)
        self.sources: tuple[CounterSource, ...] = (
            PerfSource(
                topology=self.topology,
                settings=self.settings,
                kernel=self.fake.kernel,
                monotonic_ns=lambda: self.fake.now_ns,
            ),
            UncoreSource(topology=self.topology, settings=self.settings, kernel=self.fake.kernel),
            ResctrlSource(topology=self.topology, settings=self.settings),
        )

    def observe(self) -> NodeState:
        """One window."""
        return observe(
            self.sources,
            self.topology,
            self.settings,
            window_seconds=WINDOW_SECONDS,
            clock=lambda: datetime(2026, 1, 2, tzinfo=UTC),
            sleep=self.pass_time,
        )

    def pass_time(self, seconds: float) -> None:
        """Counters count, monitoring files grow."""
        self.fake.advance(int(seconds * 1e9))
        self._monitor(seconds=seconds)

    def _monitor(self, *, seconds: float) -> None:
        if not self.variety.resctrl:
            return
        has_clusters = len({domain.socket for domain in self.topology.domains}) < len(self.topology.domains)
        for domain in self.topology.domains:
            place = f"mon_L3_{l3_id(self.roots.sys, domain.cpus[0]):02d}"
            if has_clusters:
                place += f"/mon_sub_L3_{numa_node(self.roots.sys, domain.cpus[0]):02d}"
            total = int((1 + seconds) * _BYTES_A_SECOND)
            add_resctrl(self.roots, "", domain=place, occupancy=2**24, total=total, local=total * 3 // 4)


@cache
def status_of(name: str) -> Status:
    """What the agent says after one window on a variety of the catalogue."""
    with TemporaryDirectory() as root:
        status = VariedNode(Path(root), VARIETIES[name]).observe().status
    assert status is not None
    return status


def features_by_domain(status: Status) -> dict[str, dict[str, float | None]]:
    """Each domain's features by name."""
    return {domain.name: dict(zip(FEATURE_SCHEMA_V1.names, domain.features, strict=True)) for domain in status.domains}


def origins(status: Status) -> Mapping[str, Origin | None]:
    """Where each feature came from; ``None`` for one that is missing in some domain."""
    missing = frozenset(event for group in status.coverage.missing for event in group.events)
    domains = features_by_domain(status).values()
    return {
        spec.name: _origin(spec, missing) if all(features[spec.name] is not None for features in domains) else None
        for spec in FEATURE_SCHEMA_V1.features
    }


def _origin(spec: FeatureSpec, missing: frozenset[str]) -> Origin:
    for index, node in enumerate(spec.formulas):
        counted = frozenset(name for name in events_of(node) if EVENTS[name].pmu is not Pmu.NODE)
        if counted.isdisjoint(missing):
            return Origin(pmus=frozenset(EVENTS[name].pmu for name in counted), fallback=index)
    raise AssertionError(f"{spec.name} has a value although all its formulas lack events")
