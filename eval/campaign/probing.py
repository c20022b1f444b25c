"""Which probe of a newcomer tells most next.

How known workloads answered each stressor at each intensity says how a newcomer may: the logarithms of its slowdowns
are taken as one draw from a normal distribution with the population's mean and covariance. A probe then tells something
of all points of the curves at once, as far as they go along with it in the population. The next probe is the one that
is expected to leave the least variance, summed over all points (A-optimal design; Chaloner and Verdinelli, "Bayesian
experimental design: a review", Statistical Science 10, 1995).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.axis import Axis
from contracts.trace import LabelledTrace
from eval.campaign.errors import CampaignError
from eval.campaign.profile_measurements import LEAST_DEVIATION

MOST_PROBES = 6
ENOUGH = 0.03
"""Standard deviation of the curves' logarithms, root mean square over their points, at which probing ends: 3 %."""
FEWEST_KNOWN = 3
SHRINKAGE = 0.02
"""Share of each correlation that is not believed, since a dozen workloads tell few of them well (shrinkage; Ledoit and
Wolf, Journal of Multivariate Analysis 88, 2004). Chosen among six values so that the uncertainty told is that found on
workloads held out; on the campaigns of seeds 1 and 2, so figures of these two flatter it."""

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One stressor at one intensity."""

    axis: Axis
    intensity: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """How the known workloads answered.

    Attributes:
        probes: all that each of them met.
        logs: float64 ``(workloads, probes)``, mean logarithm of the slowdown.
        deviation: of one measured logarithm from its mean, the same for all.
    """

    probes: tuple[Probe, ...]
    logs: DoubleArray
    deviation: float


def population_of(traces: Iterable[LabelledTrace], *, without_group: str) -> Population:
    """What a campaign's series say of all workloads but those of one group.

    Args:
        traces: of one campaign or several.
        without_group: the newcomer's own group, which is not known yet.

    Raises:
        CampaignError: fewer than three workloads are known.
    """
    measured: dict[str, dict[tuple[Axis, float], list[float]]] = {}
    for trace in traces:
        if len(trace.co_runners) == len(trace.injected) == 1 and trace.victim.group != without_group:
            met = trace.injected[0]
            cell = measured.setdefault(trace.victim.key, {}).setdefault((met.axis, met.intensity), [])
            cell.append(math.log(trace.slowdown))
    common = set[tuple[Axis, float]].intersection(*map(set, measured.values())) if measured else set()
    if len(measured) < FEWEST_KNOWN or not common:
        raise CampaignError(
            f"{len(measured)} workloads are known with {len(common)} stressors that all of them met: {FEWEST_KNOWN} "
            "workloads and one stressor at least are needed; run leeward campaign run first"
        )
    order = list(Axis)
    probes = sorted(common, key=lambda probe: (order.index(probe[0]), probe[1]))
    repeated = [cell[probe] for cell in measured.values() for probe in probes if len(cell[probe]) > 1]
    freedom = sum(len(values) - 1 for values in repeated)
    squares = sum(float(np.var(values)) * len(values) for values in repeated)
    return Population(
        probes=tuple(Probe(axis=axis, intensity=intensity) for axis, intensity in probes),
        logs=np.array([[float(np.mean(cell[probe])) for probe in probes] for cell in measured.values()]),
        deviation=max(math.sqrt(squares / freedom) if freedom else 0.0, LEAST_DEVIATION),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """What is thought of a newcomer's curves.

    Attributes:
        probes: the points.
        mean: float64 ``(probes,)``, of the logarithm of the slowdown.
        covariance: float64 ``(probes, probes)``.
        made: indices of the probes that were made, in their order.
    """

    probes: tuple[Probe, ...]
    mean: DoubleArray
    covariance: DoubleArray
    made: tuple[int, ...] = ()

    @property
    def uncertainty(self) -> float:
        """Standard deviation of the logarithm, root mean square over all points."""
        return math.sqrt(float(np.mean(np.diag(self.covariance))))

    def next(self, *, at_most: int, deviation: float) -> int | None:
        """Index of the probe to make next; ``None`` where enough is known, or no more are to be made.

        Each axis is probed at its highest intensity before the end, since that is the point which predictions look at.

        Args:
            at_most: how many probes in all.
            deviation: of a probe's measured logarithm.
        """
        owed = [index for index in self._highest() if index not in self.made]
        left = at_most - len(self.made)
        if left <= 0 or (not owed and self.uncertainty <= ENOUGH):
            return None
        open_to = owed if left <= len(owed) else [each for each in range(len(self.probes)) if each not in self.made]
        reductions = self._reductions(deviation)
        return max(open_to, key=lambda index: float(reductions[index]), default=None)

    def after(self, index: int, log_slowdown: float, *, deviation: float) -> "Belief":
        """What is thought once a probe was made (the conditional normal distribution)."""
        gain = self.covariance[:, index] / (self.covariance[index, index] + deviation**2)
        return replace(
            self,
            mean=self.mean + gain * (log_slowdown - self.mean[index]),
            covariance=self.covariance - np.outer(gain, self.covariance[index]),
            made=(*self.made, index),
        )

    def _reductions(self, deviation: float) -> DoubleArray:
        """By how much each probe would lower the variance, summed over all points."""
        variances = np.diag(self.covariance) + deviation**2
        return np.asarray((self.covariance**2).sum(axis=0) / variances)

    def _highest(self) -> Sequence[int]:
        highest: dict[Axis, int] = {}
        for index, probe in enumerate(self.probes):
            if probe.intensity >= self.probes[highest.get(probe.axis, index)].intensity:
                highest[probe.axis] = index
        return list(highest.values())


def prior(population: Population) -> Belief:
    """What is thought of a newcomer of which nothing was measured."""
    covariance = np.atleast_2d(np.cov(population.logs, rowvar=False))
    kept = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    floor = population.deviation**2 * np.eye(len(covariance)) / len(population.logs)
    return Belief(probes=population.probes, mean=population.logs.mean(axis=0), covariance=kept + floor)
