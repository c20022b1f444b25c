"""The profile of one newcomer from a handful of probes, each chosen by what the ones before it said."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from eval.campaign.bench import Bench, Experiment
from eval.campaign.probing import MOST_PROBES, Belief, Population, Probe, prior
from eval.campaign.profile_measurements import ProfileMeasurements
from eval.campaign.profile_run import DOMAIN, SUBJECT, probe_windows, solo_windows, spare_node
from eval.testbed.node import START_WALL_NS
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload
from scheduler_extender.directory import PROFILES, SUFFIX
from serving.replacement import replace_file

WINDOW_SECONDS = 10.0
WINDOWS = 2
"""A probe's; one more alone."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMade:
    """One probe.

    Attributes:
        probe: what ran beside the newcomer.
        slowdown: the median over its windows.
        expected: what was thought of it before.
        uncertainty: of the curves afterwards, see ``Belief.uncertainty``.
    """

    probe: Probe
    slowdown: float
    expected: float
    uncertainty: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShortProfile:
    """What a short profile run found.

    Attributes:
        profile: of tier ``probed``, with the points that were measured.
        alone: the indicator alone, the median.
        uncertainty: of the curves before the first probe.
        made: the probes in their order.
        belief: what is thought of all points in the end.
        minutes: how long it would have taken.
    """

    profile: WorkloadProfile
    alone: float
    uncertainty: float
    made: tuple[ProbeMade, ...]
    belief: Belief
    minutes: float


def short_profile(
    workload: Workload,
    population: Population,
    *,
    seed: int,
    at_most: int = MOST_PROBES,
    progress: Progress | None = None,
) -> ShortProfile:
    """Profile a newcomer on a spare node of the testbed, alone and then beside a few stressors.

    Args:
        workload: the newcomer.
        population: the known workloads' responses.
        seed: of the node's noise.
        at_most: how many probes; one an axis at least.
        progress: told what is being done.
    """
    bench = Bench(spare_node(seed=seed, wall_ns=START_WALL_NS), window_seconds=WINDOW_SECONDS)
    run = _Run(workload, population, bench, at_most=at_most, report=progress or (lambda _, __: None))
    began = bench.node.now()
    bench.run([run.experiment()])
    profile = run.measured.profile(
        workload.name, indicator=workload.indicator, first_seen=began, last_seen=bench.node.now(), simulated=True
    )
    return ShortProfile(
        profile=profile,
        alone=float(np.median(run.measured.alone)),
        uncertainty=prior(population).uncertainty,
        made=tuple(run.made),
        belief=run.belief,
        minutes=(bench.node.now() - began).total_seconds() / 60.0,
    )


def publish_profile(state: Path, profile: WorkloadProfile) -> Path:
    """Lay a profile where the extender of a state directory finds it; one of the same workload is replaced."""
    directory = state / PROFILES
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{profile.key}{SUFFIX}"
    replace_file(file, profile.to_json())
    return file


class _Run:
    def __init__(
        self, workload: Workload, population: Population, bench: Bench, *, at_most: int, report: Progress
    ) -> None:
        self.measured = ProfileMeasurements()
        self.made: list[ProbeMade] = []
        self.belief = prior(population)
        self._workload = workload
        self._deviation = population.deviation / math.sqrt(WINDOWS)
        self._bench = bench
        self._at_most = at_most
        self._report = report

    def experiment(self) -> Experiment:
        node = self._bench.node
        node.place(SUBJECT, self._workload, domain=DOMAIN)
        self._report("alone", 0.0)
        yield from solo_windows(self._bench, self.measured, windows=WINDOWS + 1)
        while (index := self.belief.next(at_most=self._at_most, deviation=self._deviation)) is not None:
            yield from self._probe(index)
        node.remove(SUBJECT)

    def _probe(self, index: int) -> Experiment:
        probe = self.belief.probes[index]
        self._report(f"beside {probe.axis} at {probe.intensity:.2f}", (1 + len(self.made)) / (1 + self._at_most))
        stressor = Stressor(axis=probe.axis, intensity=probe.intensity)
        yield from probe_windows(stressor, self._bench, self.measured, windows=WINDOWS)
        slowdowns = self.measured.slowdowns(self._workload.indicator)[probe.axis][probe.intensity]
        slowdown, expected = float(np.median(slowdowns)), math.exp(float(self.belief.mean[index]))
        self.belief = self.belief.after(index, math.log(slowdown), deviation=self._deviation)
        self.made.append(
            ProbeMade(probe=probe, slowdown=slowdown, expected=expected, uncertainty=self.belief.uncertainty)
        )
