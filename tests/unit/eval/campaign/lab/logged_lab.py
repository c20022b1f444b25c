"""A lab that is the testbed: every node's counters recorded, and every step and indicator written down."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from agent.settings import AgentSettings
from agent.sources.recorder import Recorder
from eval.campaign.bench import Bench
from eval.campaign.campaign import alone_in
from eval.campaign.lab.indicators import INDICATOR_COLUMNS
from eval.campaign.lab.schedule import STEP_COLUMNS
from eval.campaign.mixes import run_mix
from eval.campaign.part import Part
from eval.campaign.plan import plan_of
from eval.campaign.profile_run import profile_run, stressor_profile
from eval.campaign.rows import RowWriter
from eval.campaign.series import run_series
from eval.campaign.settings import CampaignSettings
from eval.testbed.catalogue import workload
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.offer import FULL, WITHOUT_RESCTRL
from eval.testbed.source import SimulatedSource
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

LATER_NS = 86_400_000_000_000
PROFILES = "profiles"
"""The experiment whose steps are measured for profiles."""


class LoggedNode(SimulatedNode):
    """Writes down who runs where, and what each is worth."""

    def __init__(self, directory: Path, **kind: Any) -> None:
        super().__init__(**kind)
        self.steps: list[str] = []
        self.indicators: list[str] = []
        self.experiments = dict.fromkeys((domain.name for domain in self.topology.domains), "")
        self._began = dict.fromkeys(self.experiments, (self.wall_ns, "", ""))
        self._recording = directory / f"{self.name}.trace"

    def source(self) -> SimulatedSource:
        settings = AgentSettings(node=self.name, window_seconds=10.0)
        return Recorder(  # type: ignore[return-value]
            [super().source()], path=self._recording, topology=self.topology, settings=settings
        )

    def advance(self, seconds: float) -> None:
        for domain in self.experiments:
            self._step(domain)
        super().advance(seconds)
        for domain in self.experiments:
            for uid, occupant in self.occupants(domain).items():
                if isinstance(occupant, Workload):
                    line = (self.name, domain, occupant.name, f"{self.wall_ns / 1e9:.3f}", repr(self.indicator(uid)))
                    self.indicators.append(",".join(line))

    def close(self) -> None:
        """Write down the last steps."""
        for domain in self.experiments:
            self._end(domain)

    def _step(self, domain: str) -> None:
        now = self.experiments[domain], " ".join(map(token, self.occupants(domain).values()))
        if now != self._began[domain][1:]:
            self._end(domain)
            self._began[domain] = (self.wall_ns, *now)

    def _end(self, domain: str) -> None:
        began_ns, experiment, occupants = self._began[domain]
        if began_ns < self.wall_ns and experiment:
            times = (told(began_ns), told(self.wall_ns))
            purpose = "profile" if experiment == PROFILES else "rows"
            self.steps.append(",".join((experiment, purpose, self.name, domain, *times, occupants)))


def token(occupant: Occupant) -> str:
    if isinstance(occupant, Stressor):
        return f"{occupant.axis}@{occupant.intensity}"
    return occupant.name


def told(at_ns: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_ns // 1000)).isoformat()


def measured_lab(directory: Path, settings: CampaignSettings) -> Part:
    """Run a small campaign on two recorded nodes and write down what a lab would; returns the campaign's own rows."""
    spare = LoggedNode(directory, name="lab-spare", offer=FULL, seed=settings.seed)
    bench = Bench(spare, window_seconds=settings.window_seconds)
    spare.experiments["socket0"] = PROFILES
    profiles = {name: profile_run(workload(name), bench, settings) for name in settings.workloads}
    for axis in settings.axes:
        for intensity in settings.intensities:
            stressor = Stressor(axis=axis, intensity=intensity)
            profiles[stressor.name] = stressor_profile(stressor, bench, settings)
    nodes = [
        LoggedNode(directory, name=f"lab-{number}", offer=offer, seed=number, wall_ns=spare.wall_ns + LATER_NS)
        for number, offer in enumerate((FULL, WITHOUT_RESCTRL))
    ]
    writer = RowWriter(campaign=settings.name, pressed_from=settings.pressed_from, profiles=profiles, simulated=True)
    plan = plan_of(settings, nodes)
    benches = [Bench(node, window_seconds=settings.window_seconds) for node in nodes]
    for node, own, series in zip(nodes, benches, plan.series, strict=True):
        side_by_side(node, own, [partial(run_series, each, writer=writer) for each in series])
    alone = alone_in(writer.rows)
    for node, own, mixes in zip(nodes, benches, plan.mixes, strict=True):
        side_by_side(node, own, [partial(run_mix, each, writer=writer, alone=alone) for each in mixes])
    write_files(directory, settings, [spare, *nodes])
    vectors = tuple(vector for each in (bench, *benches) for vector in each.vectors)
    return Part(rows=tuple(writer.rows), profiles=tuple(profiles.values()), vectors=vectors)


def side_by_side(node: LoggedNode, bench: Bench, tasks: list[Any]) -> None:
    domains = list(node.experiments)

    def named(number: int, task: Any, domain: str) -> Any:
        kind = task.func.__name__
        node.experiments[domain] = f"{kind}-{number}"
        yield from task(bench, domain=domain)

    def in_turn(place: int, domain: str) -> Any:
        own = list(enumerate(tasks))[place :: len(domains)]
        return chain.from_iterable(named(number, task, domain) for number, task in own)

    bench.run([in_turn(place, domain) for place, domain in enumerate(domains)])


def write_files(directory: Path, settings: CampaignSettings, nodes: list[LoggedNode]) -> None:
    for node in nodes:
        node.close()
    steps = [line for node in nodes for line in node.steps]
    indicators = [line for node in nodes for line in node.indicators]
    (directory / "steps.csv").write_text("\n".join([",".join(STEP_COLUMNS), *steps, ""]))
    (directory / "indicators.csv").write_text("\n".join([",".join(INDICATOR_COLUMNS), *indicators, ""]))
    (directory / "lab.toml").write_text(lab_toml(settings.name, {name: workload(name) for name in settings.workloads}))


def lab_toml(name: str, workloads: Mapping[str, Workload]) -> str:
    tables = [
        f'[workloads.{key}]\ngroup = "{each.group}"\nindicator = "{each.indicator}"\n'
        for key, each in workloads.items()
    ]
    return "\n".join([f'campaign = "{name}"\nsettling_seconds = 0.0\nsimulated = true\n', *tables])
