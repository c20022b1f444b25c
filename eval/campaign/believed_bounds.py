"""Upper bounds of the axes that a newcomer was not probed on.

A belief says how far off it is likely to be, by a normal distribution. Workloads are not drawn from one: some suffer on
one axis alone, and badly. So how many standard deviations a bound has to lie above the belief's mean is measured: each
known group in turn is taken for the newcomer, probed by the same choice, answering as it was recorded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.axis import Axis
from contracts.profile import ResponsePoint
from contracts.slowdown import SLOWDOWN_CEILING
from eval.campaign.probing import Belief, Design, Population, prior
from eval.campaign.profile_measurements import UPPER_DEVIATIONS
from pipelines.conformal import margin

RATE = 0.9
"""Share of new groups for whose workloads all believed bounds are to hold at once; less where few groups are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRule:
    """How high believed bounds lie.

    Attributes:
        deviations: standard deviations above the mean, of a measured logarithm.
        rate: share of new groups that this is to do for.
    """

    deviations: float
    rate: float

    def point(self, belief: Belief, index: int) -> ResponsePoint:
        """What is believed of one point that was not measured."""
        slowdown = min(belief.expected(index), SLOWDOWN_CEILING)
        upper = math.exp(float(belief.mean[index]) + self.deviations * _deviation(belief, index))
        return ResponsePoint(
            pressure=belief.probes[index].intensity,
            slowdown=slowdown,
            upper=min(max(upper, slowdown), SLOWDOWN_CEILING),
        )

    def points(self, belief: Belief) -> dict[Axis, ResponsePoint]:
        """The highest point of each axis that was not probed there."""
        return {belief.probes[index].axis: self.point(belief, index) for index in belief.open}


def bound_rule(population: Population, design: Design) -> BoundRule:
    """The rule that would have done for the known groups, each held out in turn (hierarchical conformal prediction).

    Never fewer deviations than a measured point's bound has.

    Args:
        population: three groups at least.
        design: how the newcomer is probed.
    """
    scores: list[float] = []
    groups: list[str] = []
    for group in dict.fromkeys(population.groups):
        before = prior(population.without(group))
        for own, answers in zip(population.groups, population.logs, strict=True):
            if own == group:
                scores.append(_needed(probed(before, answers.tolist(), design), answers.tolist()))
                groups.append(group)
    rate = _stated_rate(len(set(groups)))
    return BoundRule(deviations=max(UPPER_DEVIATIONS, margin(scores, groups, rate=rate)), rate=rate)


def _stated_rate(groups: int) -> float:
    """No rate so high that a single group decides: one that is like no other would put all bounds out of use."""
    return min(RATE, (groups - 1) / (groups + 1))


def probed(belief: Belief, answers: Sequence[float], design: Design) -> Belief:
    """What is thought after all probes of a design.

    Args:
        belief: before.
        answers: logarithms of the slowdowns that its probes would find, one a point.
        design: which are made.
    """
    while (index := design(belief)) is not None:
        belief = belief.after(index, answers[index])
    return belief


def _needed(belief: Belief, answers: Sequence[float]) -> float:
    """Deviations by which all bounds of one workload would have held; minus infinity where all was probed."""
    return max(
        ((answers[index] - float(belief.mean[index])) / _deviation(belief, index) for index in belief.open),
        default=-math.inf,
    )


def _deviation(belief: Belief, index: int) -> float:
    return math.sqrt(float(belief.covariance[index, index]) + belief.deviation**2)
