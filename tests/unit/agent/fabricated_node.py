"""A fabricated node with every source on one fabricated kernel."""

from datetime import UTC, datetime
from pathlib import Path

from agent.once import observe
from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from agent.topology_sysfs import read_topology
from contracts.nodestate import IsolatedCpuPolicy, NodeState
from tests.unit.agent.fake_kernel import FakeKernel, OpenCounter
from tests.unit.agent.fixed_predictor import FixedPredictor
from tests.unit.agent.machine_tree import Machine, build

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64
PER_MICROSECOND = {
    0x400: 12000.0,  # slots
    0x8300: 4800.0,  # back-end bound
    0x8700: 3000.0,  # of it memory bound
    0x4D1: 30.0,  # loads that hit the L3
    0x20D1: 10.0,  # loads that missed it
}


def rate(counter: OpenCounter) -> float:
    return PER_MICROSECOND.get(counter.config, 1.0) * 1e-3


class Node:
    """Counts as ``rate`` says; its time moves on when it is observed, or told to."""

    def __init__(
        self,
        root: Path,
        machine: Machine | None = None,
        *,
        isolated_cpus: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER,
    ) -> None:
        self.roots = build(root, machine or Machine())
        self.settings = AgentSettings(
            node="node-1",
            roots=self.roots,
            state_directory=root / "state",
            sampling_period_seconds=0.01,
            window_seconds=0.02,
            isolated_cpus=isolated_cpus,
            remote_reads_per_second=1e6,
        )
        self.topology: Topology = read_topology(self.roots)
        self.fake = FakeKernel(rate=rate)
        self.sources: tuple[CounterSource, ...] = (
            PerfSource(topology=self.topology, settings=self.settings, kernel=self.fake.kernel),
            UncoreSource(topology=self.topology, settings=self.settings, kernel=self.fake.kernel),
            ResctrlSource(topology=self.topology, settings=self.settings),
        )

    def observe(self, predictor: FixedPredictor | None = None) -> NodeState:
        return observe(
            self.sources,
            self.topology,
            self.settings,
            predictor=predictor,
            bundle_digest=DIGEST if predictor else None,
            clock=lambda: NOW,
            sleep=lambda seconds: self.fake.advance(int(seconds * 1e9)),
        )
