"""Which probe of a newcomer tells most next.

How known workloads answered the probes of their profile runs says how a newcomer may: the logarithms of its slowdowns
are taken as one draw from a normal distribution with the population's mean and covariance, each workload group counting
the same. A probe then tells something of all points of the curves at once, as far as they go along with it in the
population.

What the extender makes of a profile is one upper bound an axis, the highest of its curve. So the next probe is the one
after which these bounds, summed over the axes, are expected to be lowest. It looks one probe ahead, as the usual
sequential designs do (Chaloner and Verdinelli, "Bayesian experimental design: a review", Statistical Science 10, 1995).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.profile import ResponsePoint
from eval.campaign.errors import CampaignError
from eval.campaign.profile_measurements import LEAST_DEVIATION, UPPER_DEVIATIONS
from eval.campaign.shrinkage import shrunk_covariance
from pipelines.dataset import TraceDataset

MOST_PROBES = 6
ENOUGH = 0.03
"""Uncertainty, see ``Belief.uncertainty``, at which probing ends: 3 %."""
FEWEST_GROUPS = 3

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
        logs: float64 ``(workloads, probes)``, logarithm of the measured slowdown.
        groups: of each workload; two different ones at least.
        deviation: of a measured logarithm from the true one, the same for all.
    """

    probes: tuple[Probe, ...]
    logs: DoubleArray
    groups: tuple[str, ...]
    deviation: float

    def without(self, group: str) -> Self:
        """All but one group."""
        others = [index for index, own in enumerate(self.groups) if own != group]
        return replace(self, logs=self.logs[others], groups=tuple(self.groups[index] for index in others))

    @property
    def weights(self) -> DoubleArray:
        """float64 ``(workloads,)``, 1 in all: each group the same, whatever its number of workloads."""
        _, inverse, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / (len(sizes) * sizes[inverse]))


def population_of(dataset: TraceDataset, *, without_group: str) -> Population:
    """What the profile runs of campaigns say of all workloads but those of one group.

    Profile runs take place on a node of their own, as the newcomer's will. The series do not: other clocks, siblings
    and a busy other socket are in their answers.

    Args:
        dataset: traces, which say what group a workload is of, and profiles.
        without_group: the newcomer's own group, which is not known yet.

    Raises:
        CampaignError: fewer than three groups are known.
    """
    parties = {trace.victim.profile: trace.victim for trace in dataset.traces if trace.victim.group != without_group}
    profiles = dataset.profiles_by_digest
    answers: dict[str, dict[Probe, list[ResponsePoint]]] = {}
    for digest, party in parties.items():
        for response in profiles[digest].responses:
            for point in response.points:
                probe = Probe(axis=response.axis, intensity=point.pressure)
                answers.setdefault(party.key, {}).setdefault(probe, []).append(point)
    groups = {party.key: party.group for party in parties.values() if party.key in answers}
    common = set[Probe].intersection(*map(set, answers.values())) if answers else set()
    known = len(set(groups.values()))
    if known < FEWEST_GROUPS or not common:
        raise CampaignError(
            f"{known} workload groups are known with {len(common)} stressors that all of their workloads were probed "
            f"with: {FEWEST_GROUPS} groups and one stressor at least are needed; run leeward campaign run first"
        )
    probes = tuple(sorted(common, key=lambda probe: (AXES.index(probe.axis), probe.intensity)))
    points = [cell[probe] for cell in answers.values() for probe in probes]
    logs = [float(np.mean([math.log(point.slowdown) for point in cell])) for cell in points]
    return Population(
        probes=probes,
        logs=np.array(logs).reshape(len(answers), len(probes)),
        groups=tuple(groups[key] for key in answers),
        deviation=_measured_to(chain.from_iterable(points)),
    )


def _measured_to(points: Iterable[ResponsePoint]) -> float:
    """Standard deviation of a measured logarithm, as the bounds of measured points tell it."""
    deviations = [math.log(point.upper / point.slowdown) / UPPER_DEVIATIONS for point in points]
    return max(float(np.median(deviations)), LEAST_DEVIATION)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """What is thought of a newcomer's curves.

    Attributes:
        probes: the points.
        mean: float64 ``(probes,)``, of the logarithm of the slowdown.
        covariance: float64 ``(probes, probes)``.
        deviation: of a probe's measured logarithm from the true one.
        made: indices of the probes that were made, in their order.
    """

    probes: tuple[Probe, ...]
    mean: DoubleArray
    covariance: DoubleArray
    deviation: float
    made: tuple[int, ...] = ()

    @property
    def highest(self) -> tuple[int, ...]:
        """Of each axis the point at its highest intensity, in the order of the axes."""
        highest: dict[Axis, int] = {}
        for index, probe in enumerate(self.probes):
            if probe.intensity >= self.probes[highest.get(probe.axis, index)].intensity:
                highest[probe.axis] = index
        return tuple(highest.values())

    @property
    def open(self) -> tuple[int, ...]:
        """Of these the ones that were not probed."""
        return tuple(index for index in self.highest if index not in self.made)

    @property
    def uncertainty(self) -> float:
        """Standard deviation of the logarithm at the highest intensities, root mean square over the axes."""
        return math.sqrt(float(np.mean(np.diag(self.covariance)[list(self.highest)])))

    def next(self, *, at_most: int) -> int | None:
        """Index of the probe to make next, an axis at its highest intensity: lower ones tell less of any bound.

        Args:
            at_most: how many probes in all, one at least.

        Returns:
            ``None`` where no axis is left, enough is known after a first probe, or no more probes are to be made.
        """
        open_to = self.open
        if not open_to or len(self.made) >= at_most or (self.made and self.uncertainty <= ENOUGH):
            return None
        return open_to[int(self.bounds_after(open_to).argmin())]

    def bounds_after(self, indices: Sequence[int]) -> DoubleArray:
        """The axes' upper bounds as they are expected to be after one of some probes, slowdowns in sum.

        A probe takes a known part of each variance away. By just that variance the mean will move, up or down; the
        expectation of a slowdown with the mean in its exponent is higher by half of it.

        Returns:
            float64 ``(len(indices),)``.
        """
        highest, made = list(self.highest), list(indices)
        variances = np.diag(self.covariance)
        taken = self.covariance[np.ix_(highest, made)] ** 2 / (variances[made] + self.deviation**2)
        left = np.sqrt(np.maximum(variances[highest, None] - taken, 0.0))
        return np.asarray(np.exp(self.mean[highest, None] + taken / 2.0 + UPPER_DEVIATIONS * left).sum(axis=0))

    def expected(self, index: int) -> float:
        """The slowdown at a point; no less than 1, since no stressor helps."""
        return max(math.exp(float(self.mean[index])), 1.0)

    def after(self, index: int, log_slowdown: float) -> Self:
        """What is thought once a probe was made (the conditional normal distribution)."""
        gain = self.covariance[:, index] / (self.covariance[index, index] + self.deviation**2)
        return replace(
            self,
            mean=self.mean + gain * (log_slowdown - self.mean[index]),
            covariance=self.covariance - np.outer(gain, self.covariance[index]),
            made=(*self.made, index),
        )


Design = Callable[[Belief], int | None]
"""Says which probe to make next, or that there is none."""


def prior(population: Population) -> Belief:
    """What is thought of a newcomer of which nothing was measured."""
    weights = population.weights
    mean = weights @ population.logs
    covariance = shrunk_covariance(population.logs - mean, weights)
    floor = population.deviation**2 * np.eye(len(covariance)) / len(population.logs)
    return Belief(probes=population.probes, mean=mean, covariance=covariance + floor, deviation=population.deviation)


def chosen(at_most: int) -> Design:
    """The probes that ``Belief.next`` chooses."""
    return lambda belief: belief.next(at_most=at_most)
