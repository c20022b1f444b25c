"""The characterisation campaign: profile runs, then series, then mixes, on sixteen nodes that differ."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from statistics import median

import numpy as np

from contracts.axis import Axis
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector
from eval.campaign.bench import Bench, Experiment
from eval.campaign.mixes import draw_mix, run_mix
from eval.campaign.profile_run import profile_run, spare_node, stressor_profile
from eval.campaign.rows import RowWriter
from eval.campaign.series import Series, run_series
from eval.campaign.settings import CampaignSettings
from eval.testbed.cluster import sixteen_nodes
from eval.testbed.node import START_WALL_NS, SimulatedNode
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import Workload, workload

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much of the campaign is done, 0 to 1."""

_DAY_NS = 86_400_000_000_000
_PROFILED, _SERIES_DONE = 0.2, 0.6
"""Shares of a campaign's time that are gone after its parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What came of a campaign; all of it is simulated.

    Attributes:
        rows: labelled traces.
        profiles: one a workload and stressor that the rows name, each from a profile run before the first row.
        vectors: of every window that any node showed, profile runs included, in the order of time node by node.
    """

    rows: tuple[LabelledTrace, ...]
    profiles: tuple[WorkloadProfile, ...]
    vectors: tuple[FeatureVector, ...]


def run_campaign(settings: CampaignSettings, *, progress: Progress | None = None) -> Campaign:
    """Run a campaign on the testbed.

    Args:
        settings: its size and seed; the same settings give the same campaign.
        progress: told what is being done.

    Raises:
        TestbedError: the settings name a workload that does not exist.
    """
    report = progress or _silent
    workloads = [workload(name) for name in settings.workloads]
    spare = Bench(
        spare_node(seed=settings.seed, wall_ns=START_WALL_NS - _DAY_NS), window_seconds=settings.window_seconds
    )
    profiles = _profiles(workloads, spare, settings, report)
    benches = [Bench(node, window_seconds=settings.window_seconds) for node in sixteen_nodes(seed=settings.seed)]
    writer = RowWriter(settings=settings, profiles=profiles)
    rng = np.random.default_rng(settings.seed)
    alone = _run_series(workloads, benches, settings, writer=writer, rng=rng, report=report)
    _run_mixes(workloads, benches, settings, writer=writer, rng=rng, alone=alone, report=report)
    report("campaign done", 1.0)
    return Campaign(
        rows=tuple(writer.rows),
        profiles=tuple(profiles.values()),
        vectors=tuple(vector for bench in (spare, *benches) for vector in bench.vectors),
    )


def _silent(_: str, __: float) -> None:
    """Nobody wants to know."""


def _profiles(
    workloads: Sequence[Workload], spare: Bench, settings: CampaignSettings, report: Progress
) -> dict[str, WorkloadProfile]:
    profiles = {}
    for index, subject in enumerate(workloads):
        report(f"profile run of {subject.name}", _PROFILED * index / len(workloads))
        profiles[subject.name] = profile_run(subject, spare, settings)
    for axis in PRESSED_AXES:
        for intensity in settings.intensities:
            stressor = Stressor(axis=axis, intensity=intensity)
            profiles[stressor.name] = stressor_profile(stressor, spare, settings)
    return profiles


Task = Callable[..., Experiment]
"""An experiment that lacks only its bench and domain."""


def _run_series(
    workloads: Sequence[Workload],
    benches: Sequence[Bench],
    settings: CampaignSettings,
    *,
    writer: RowWriter,
    rng: np.random.Generator,
    report: Progress,
) -> dict[str, float]:
    """All series; returns each workload's indicator alone, the median over its series."""
    alone: dict[str, list[float]] = {}
    pairs = [(subject, axis) for subject in workloads for axis in PRESSED_AXES]
    tasks: list[list[Task]] = [[] for _ in benches]
    order = rng.permutation(len(pairs)).tolist()
    for turn, index in enumerate(order):
        subject, axis = pairs[index]
        series = Series(workload=subject, axis=axis, intensities=settings.intensities)
        host = _host(benches, first=turn, needs_smt=axis is Axis.SMT)
        tasks[host].append(partial(run_series, series, writer=writer, alone=alone))
    _run(tasks, benches, partial(_between, report, "series against stressors", _PROFILED, _SERIES_DONE))
    return {name: median(values) for name, values in alone.items()}


def _run_mixes(
    workloads: Sequence[Workload],
    benches: Sequence[Bench],
    settings: CampaignSettings,
    *,
    writer: RowWriter,
    rng: np.random.Generator,
    alone: Mapping[str, float],
    report: Progress,
) -> None:
    tasks: list[list[Task]] = [[] for _ in benches]
    for turn in range(settings.mixes):
        host = turn % len(benches)
        node = benches[host].node
        mix = draw_mix(workloads, settings, room=_room(node), smt=node.topology.smt, rng=rng)
        tasks[host].append(partial(run_mix, mix, writer=writer, alone=alone))
    _run(tasks, benches, partial(_between, report, "random mixes", _SERIES_DONE, 1.0))


def _run(tasks: Sequence[Sequence[Task]], benches: Sequence[Bench], report: Callable[[float], None]) -> None:
    """Each bench runs its tasks on all its domains at once, every domain its share of them one after another."""
    for index, (bench, own) in enumerate(zip(benches, tasks, strict=True)):
        report(index / len(benches))
        domains = [domain.name for domain in bench.node.topology.domains]
        bench.run(
            [
                _one_after_another(own[position :: len(domains)], bench, domain)
                for position, domain in enumerate(domains)
            ]
        )


def _one_after_another(tasks: Sequence[Task], bench: Bench, domain: str) -> Iterator[None]:
    return chain.from_iterable(task(bench, domain=domain) for task in tasks)


def _host(benches: Sequence[Bench], *, first: int, needs_smt: bool) -> int:
    """The next bench, from ``first`` on and round, that can run it."""
    turns = ((first + step) % len(benches) for step in range(len(benches)))
    return next(turn for turn in turns if benches[turn].node.topology.smt or not needs_smt)


def _room(node: SimulatedNode) -> int:
    return min(node.free_cores(domain.name) for domain in node.topology.domains)


def _between(report: Progress, doing: str, first: float, last: float, done: float) -> None:
    report(doing, first + (last - first) * done)
