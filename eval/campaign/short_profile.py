"""The profile of one newcomer from a handful of probes, each chosen by what the ones before it said."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from contracts.profile import WorkloadProfile
from eval.campaign.believed_bounds import BoundRule, bound_rule
from eval.campaign.bench import Bench, Experiment
from eval.campaign.errors import CampaignError
from eval.campaign.probing import MOST_PROBES, Belief, Design, Population, Probe, chosen, prior
from eval.campaign.profile_measurements import ProfileMeasurements
from eval.campaign.profile_run import DOMAIN, SUBJECT, probe_windows, solo_windows, spare_node
from eval.testbed.node import START_WALL_NS
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

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
        uncertainty: afterwards, see ``Belief.uncertainty``.
    """

    probe: Probe
    slowdown: float
    expected: float
    uncertainty: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShortProfile:
    """What a short profile run found.

    Attributes:
        profile: of tier ``probed``: the points that were measured, and of each axis that was not probed what is
            believed of its highest point, with the rule's bound.
        alone: the indicator alone, the median.
        uncertainty: before the first probe.
        made: the probes in their order.
        belief: what is thought of all points in the end.
        rule: how high believed bounds lie.
        minutes: how long it would have taken.
    """

    profile: WorkloadProfile
    alone: float
    uncertainty: float
    made: tuple[ProbeMade, ...]
    belief: Belief
    rule: BoundRule
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
        at_most: how many probes, one at least.
        progress: told what is being done.

    Raises:
        CampaignError: there would be no probe.
    """
    if at_most < 1:
        raise CampaignError(f"{at_most} probes: a profile of tier probed takes one at least")
    design, believed = chosen(at_most), prior(population)
    rule = bound_rule(population, design)
    bench = Bench(spare_node(seed=seed, wall_ns=START_WALL_NS), window_seconds=WINDOW_SECONDS)
    run = _Run(workload, believed, bench, design=design, at_most=at_most, report=progress or (lambda _, __: None))
    began = bench.node.now()
    bench.run([run.experiment()])
    profile = run.measured.profile(
        workload.name,
        indicator=workload.indicator,
        first_seen=began,
        last_seen=bench.node.now(),
        simulated=True,
        believed=rule.points(run.belief),
        least_deviation=population.deviation,
    )
    return ShortProfile(
        profile=profile,
        alone=float(np.median(run.measured.alone)),
        uncertainty=believed.uncertainty,
        made=tuple(run.made),
        belief=run.belief,
        rule=rule,
        minutes=(bench.node.now() - began).total_seconds() / 60.0,
    )


class _Run:
    def __init__(
        self, workload: Workload, belief: Belief, bench: Bench, *, design: Design, at_most: int, report: Progress
    ) -> None:
        self.measured = ProfileMeasurements()
        self.made: list[ProbeMade] = []
        self.belief = belief
        self._workload = workload
        self._bench = bench
        self._design = design
        self._at_most = at_most
        self._report = report

    def experiment(self) -> Experiment:
        node = self._bench.node
        node.place(SUBJECT, self._workload, domain=DOMAIN)
        self._report("alone", 0.0)
        yield from solo_windows(self._bench, self.measured, windows=WINDOWS + 1)
        while (index := self._design(self.belief)) is not None:
            yield from self._probe(index)
        node.remove(SUBJECT)

    def _probe(self, index: int) -> Experiment:
        probe = self.belief.probes[index]
        self._report(f"beside {probe.axis} at {probe.intensity:.2f}", (1 + len(self.made)) / (1 + self._at_most))
        stressor = Stressor(axis=probe.axis, intensity=probe.intensity)
        yield from probe_windows(stressor, self._bench, self.measured, windows=WINDOWS)
        slowdowns = self.measured.slowdowns(self._workload.indicator)[probe.axis][probe.intensity]
        slowdown, before = float(np.median(slowdowns)), self.belief
        self.belief = before.after(index, math.log(slowdown))
        self.made.append(
            ProbeMade(
                probe=probe,
                slowdown=slowdown,
                expected=before.expected(index),
                uncertainty=self.belief.uncertainty,
            )
        )
