"""The characterisation campaign: profile runs, then series, then mixes, on nodes that differ.

It is measured unit by unit: all profile runs, then the series of each node, then the mixes of each node. Every node
draws its noise from a stream of its own, so a unit depends on no other node's. A node's mixes go on where its series
ended. Where the series were measured by a process that is gone, they run again, unseen, so that the node stands where
it stood.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector
from eval.campaign.bench import Bench, Experiment
from eval.campaign.errors import CampaignError
from eval.campaign.mixes import run_mix
from eval.campaign.part import Kept, KeptInMemory, Part
from eval.campaign.plan import Kind, Plan, Unit, plan_of
from eval.campaign.profile_run import profile_run, spare_node, stressor_profile
from eval.campaign.rows import RowWriter
from eval.campaign.series import run_series
from eval.campaign.settings import DAY_NS, CampaignSettings
from eval.campaign.store import KeptInDirectory
from eval.testbed.cluster import simulated_nodes
from eval.testbed.node import SimulatedNode
from eval.testbed.stressor import Stressor

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much of the campaign is done, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What came of a campaign; all of it is simulated.

    Attributes:
        rows: labelled traces.
        profiles: one a workload and stressor that the rows name, each from a profile run before the first row.
        vectors: of every window that any node showed, profile runs included; each node's in the order of time.
    """

    rows: tuple[LabelledTrace, ...]
    profiles: tuple[WorkloadProfile, ...]
    vectors: tuple[FeatureVector, ...]


def run_campaign(settings: CampaignSettings, *, progress: Progress | None = None) -> Campaign:
    """Run a campaign on the testbed, in memory.

    Args:
        settings: its size and seed; the same settings give the same campaign.
        progress: told what is being done.

    Raises:
        TestbedError: the settings name a workload that does not exist.
    """
    kept = KeptInMemory()
    run_units(settings, kept, progress=progress)
    return Campaign(
        rows=tuple(row for part in kept.parts.values() for row in part.rows),
        profiles=tuple(kept.profiles()),
        vectors=tuple(vector for part in kept.parts.values() for vector in part.vectors),
    )


def run_into(traces: Path, settings: CampaignSettings, *, progress: Progress | None = None) -> KeptInDirectory:
    """Run a campaign, or what runs before left of it, into a directory of traces.

    Args:
        traces: the directory of all campaigns.
        settings: its size and seed.
        progress: told what is being done.

    Raises:
        TestbedError: the settings name a workload that does not exist.
        CampaignError: a campaign of this name and other settings lies there, or one is being run.
    """
    kept = KeptInDirectory(traces, name=settings.name, settings=settings.to_json())
    with kept.claimed():
        run_units(settings, kept, progress=progress)
        kept.complete()
    return kept


def run_units(settings: CampaignSettings, kept: Kept, *, progress: Progress | None = None) -> None:
    """Measure every unit of a campaign that is not kept yet.

    What is kept in the end is the same, however often and wherever runs before this one were ended.

    Args:
        settings: those that the kept units were measured under.
        kept: takes each unit as soon as it is measured.
        progress: told what is being done.

    Raises:
        TestbedError: the settings name a workload that does not exist.
        CampaignError: a kept unit is not what this version measures.
    """
    report = progress or _silent
    plan = plan_of(settings, simulated_nodes(seed=settings.seed, count=settings.nodes))
    missing = [unit for unit in plan.units if not kept.has(unit.number)]
    if missing:
        _Run(settings, plan, kept, _Pace(report, plan, missing)).measure(missing)
    report("campaign done", 1.0)


def _silent(_: str, __: float) -> None:
    """Nobody wants to know."""


class _Pace:
    """How far a run has come, and how fast it goes."""

    def __init__(self, report: Progress, plan: Plan, missing: Sequence[Unit]) -> None:
        self._report = report
        self._total = sum(unit.windows for unit in plan.units)
        self._done = self._total - sum(unit.windows for unit in missing)
        self._began, self._rows = time.monotonic(), 0

    def begins(self, doing: str, *, share: float = 0.0, of: int = 0) -> None:
        """Say what is done now; ``share`` of a unit of ``of`` windows has passed."""
        self._report(doing + self._rate(), (self._done + share * of) / self._total)

    def ends(self, unit: Unit, rows: int) -> None:
        """A unit is kept."""
        self._done += unit.windows
        self._rows += rows

    def _rate(self) -> str:
        seconds = time.monotonic() - self._began
        return f", {self._rows / seconds:.0f} rows/s" if self._rows and seconds > 0.0 else ""


class _Run:
    """One process's part in a campaign."""

    def __init__(self, settings: CampaignSettings, plan: Plan, kept: Kept, pace: _Pace) -> None:
        self._settings = settings
        self._plan = plan
        self._kept = kept
        self._pace = pace
        self._profiles = {profile.key: profile for profile in kept.profiles()}
        self._alone: dict[int, dict[str, float]] = {}
        self._benches: dict[tuple[int, int], Bench] = {}
        self._sweep: int | None = None
        self._nodes: Sequence[SimulatedNode] = ()

    def measure(self, units: Sequence[Unit]) -> None:
        """Measure units in their order."""
        measured_by = {Kind.PROFILES: self._profile_runs, Kind.SERIES: self._series, Kind.MIXES: self._mixes}
        for unit in units:
            part = measured_by[unit.kind](unit)
            self._kept.keep(unit.number, part)
            self._pace.ends(unit, len(part.rows))

    def _profile_runs(self, unit: Unit) -> Part:
        settings, workloads = self._settings, self._plan.workloads
        spare = Bench(
            spare_node(seed=settings.seed, wall_ns=settings.began_ns - DAY_NS), window_seconds=settings.window_seconds
        )
        for index, subject in enumerate(workloads):
            self._pace.begins(f"profile run of {subject.name}", share=index / len(workloads), of=unit.windows)
            self._profiles[subject.name] = profile_run(subject, spare, settings)
        for axis in settings.axes:
            for intensity in settings.intensities:
                stressor = Stressor(axis=axis, intensity=intensity)
                self._profiles[stressor.name] = stressor_profile(stressor, spare, settings)
        return Part(profiles=tuple(self._profiles.values()), vectors=spare.take_vectors())

    def _series(self, unit: Unit) -> Part:
        bench = self._bench(unit)
        self._pace.begins(f"{unit.kind} on {bench.node.name}")
        self._benches[unit.sweep, unit.node] = bench
        writer = self._writer()
        _run(bench, [partial(run_series, series, writer=writer) for series in self._plan.series[unit.node]])
        return Part(rows=tuple(writer.rows), vectors=bench.take_vectors())

    def _mixes(self, unit: Unit) -> Part:
        bench = self._benches.pop((unit.sweep, unit.node), None) or self._caught_up(unit)
        self._pace.begins(f"{unit.kind} on {bench.node.name}")
        writer, alone = self._writer(), self._alone_in(unit.sweep)
        _run(bench, [partial(run_mix, mix, writer=writer, alone=alone) for mix in self._plan.mixes[unit.node]])
        return Part(rows=tuple(writer.rows), vectors=bench.take_vectors())

    def _caught_up(self, unit: Unit) -> Bench:
        """The node as its series left it."""
        series = self._series_unit(unit)
        again = self._series(series)
        if again.rows != tuple(self._kept.rows(series.number)):
            raise CampaignError(
                f"part {series.number} of campaign {self._settings.name} is not what this version measures: another "
                "version began the campaign; let that one end it, or delete the campaign's directory"
            )
        return self._benches.pop((unit.sweep, unit.node))

    def _series_unit(self, mixes: Unit) -> Unit:
        return next(
            unit
            for unit in self._plan.units
            if (unit.kind, unit.sweep, unit.node) == (Kind.SERIES, mixes.sweep, mixes.node)
        )

    def _bench(self, unit: Unit) -> Bench:
        if self._sweep != unit.sweep:
            self._sweep, self._nodes = unit.sweep, self._nodes_of(unit.sweep)
        return Bench(self._nodes[unit.node], window_seconds=self._settings.window_seconds)

    def _nodes_of(self, sweep: int) -> Sequence[SimulatedNode]:
        """The nodes of one clock setting; the first setting's have the seeds of a campaign that sets none."""
        seed, clocks = self._settings.seed, self._settings.clocks
        own = seed if not sweep else int(np.random.SeedSequence((seed, sweep)).generate_state(1)[0])
        began = self._settings.began_ns + sweep * self._plan.sweep_ns
        nodes = simulated_nodes(seed=own, count=self._settings.nodes, wall_ns=began)
        for node in nodes if clocks else ():
            node.set_clock(clocks[sweep])
        return nodes

    def _writer(self) -> RowWriter:
        return RowWriter(
            campaign=self._settings.name,
            pressed_from=self._settings.pressed_from,
            profiles=self._profiles,
            simulated=True,
        )

    def _alone_in(self, sweep: int) -> dict[str, float]:
        """Each workload's indicator alone, the median over the series of one clock setting."""
        if sweep not in self._alone:
            units = [unit for unit in self._plan.units if (unit.kind, unit.sweep) == (Kind.SERIES, sweep)]
            self._alone[sweep] = alone_in(chain.from_iterable(self._kept.rows(unit.number) for unit in units))
        return self._alone[sweep]


def alone_in(rows: Iterable[LabelledTrace]) -> dict[str, float]:
    """By workload the median of all indicators that were measured with the domain to itself."""
    measured: dict[str, list[float]] = {}
    for row in rows:
        if not row.co_runners:
            measured.setdefault(row.victim.key, []).extend([row.alone, row.together])
    return {key: median(values) for key, values in measured.items()}


Task = Callable[..., Experiment]
"""An experiment that lacks only its bench and domain."""


def _run(bench: Bench, tasks: Sequence[Task]) -> None:
    """A bench runs its tasks on all its domains at once, every domain its share of them one after another."""
    domains = [domain.name for domain in bench.node.topology.domains]
    bench.run(
        [_one_after_another(tasks[position :: len(domains)], bench, domain) for position, domain in enumerate(domains)]
    )


def _one_after_another(tasks: Sequence[Task], bench: Bench, domain: str) -> Experiment:
    return chain.from_iterable(task(bench, domain=domain) for task in tasks)
