"""What a newcomer's probes tell, by how they are chosen: every workload group of the testbed held out in turn.

True slowdowns come from the equilibrium; what is measured is off by noise as large as a profile run's. Errors are of
the logarithm, root mean square; each group counts the same. ``python -m tests.bench.probing_designs`` prints a line a
design and number of probes, over several seeds of noise; it takes some minutes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.slowdown import SLOWDOWN_CEILING
from eval.campaign.believed_bounds import bound_rule, probed
from eval.campaign.probing import MOST_PROBES, Belief, Design, Population, Probe, chosen, prior
from eval.campaign.profile_measurements import UPPER_DEVIATIONS
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import Workload
from tests.unit.eval.testbed.scenes import slowdown

DEVIATION = 0.015
"""Of a measured logarithm: two windows beside a stressor against three alone, see ``eval.testbed.noise``."""
INTENSITIES = (0.5, 1.0)
SEEDS = (1, 2, 3)

DoubleArray = NDArray[np.float64]


def true_population(workloads: Sequence[Workload], *, intensities: Sequence[float] = INTENSITIES) -> Population:
    """What profile runs without noise would find."""
    probes = tuple(Probe(axis=axis, intensity=intensity) for axis in PRESSED_AXES for intensity in intensities)
    stressors = [Stressor(axis=probe.axis, intensity=probe.intensity) for probe in probes]
    return Population(
        probes=probes,
        logs=np.array([[math.log(slowdown(each.name, stressor)) for stressor in stressors] for each in workloads]),
        groups=tuple(each.group for each in workloads),
        deviation=DEVIATION,
    )


def measured(logs: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    """With noise."""
    return np.asarray(logs + DEVIATION * rng.standard_normal(logs.shape))


def in_order(axes: Sequence[Axis], at_most: int) -> Design:
    """One axis after another at full intensity, in a fixed order."""

    def design(belief: Belief) -> int | None:
        open_to = sorted(belief.open, key=lambda index: axes.index(belief.probes[index].axis))
        return open_to[0] if open_to and len(belief.made) < at_most else None

    return design


def at_random(rng: np.random.Generator, at_most: int) -> Design:
    """Any axis at full intensity that was not probed."""
    return lambda belief: int(rng.choice(belief.open)) if belief.open and len(belief.made) < at_most else None


DESIGNS: dict[str, Callable[[int, int], Design]] = {
    "chosen": lambda at_most, _: chosen(at_most),
    "in order": lambda at_most, _: in_order(AXES, at_most),
    "in reverse": lambda at_most, _: in_order(AXES[::-1], at_most),
    "at random": lambda at_most, seed: at_random(np.random.default_rng((seed, at_most)), at_most),
}
"""By name, for a number of probes and a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How well newcomers are known, over groups that were held out.

    Attributes:
        curves: error at all points.
        highest: error at the axes' highest intensities.
        all_hold: share of newcomers whose believed bounds all hold.
        each_holds: share of believed bounds that hold.
        above: of all axes' bounds over the truth, slowdowns, mean.
    """

    curves: float
    highest: float
    all_hold: float
    each_holds: float
    above: float


def told(truth: Population, design: Design, *, seed: int) -> Told:
    """Hold each group out, probe its workloads, and compare what is believed of them with the truth."""
    rng = np.random.default_rng(seed)
    known = replace(truth, logs=measured(truth.logs, rng))
    answers = measured(truth.logs, rng)
    found = np.zeros((len(truth.groups), 5))
    for group in dict.fromkeys(truth.groups):
        others = known.without(group)
        rule, before = bound_rule(others, design), prior(others)
        for own in (index for index, each in enumerate(truth.groups) if each == group):
            belief = probed(before, answers[own].tolist(), design)
            bounds = {index: rule.point(belief, index).upper for index in belief.open}
            bounds |= {index: _bound_measured(answers[own, index]) for index in belief.made}
            found[own] = _compared(belief, truth.logs[own], bounds)
    means = truth.weights @ found
    return Told(
        curves=math.sqrt(means[0]), highest=math.sqrt(means[1]), all_hold=means[2], each_holds=means[3], above=means[4]
    )


def _bound_measured(log: float) -> float:
    return min(math.exp(log + UPPER_DEVIATIONS * DEVIATION), SLOWDOWN_CEILING)


def _compared(belief: Belief, truth: DoubleArray, bounds: dict[int, float]) -> tuple[float, ...]:
    off = (belief.mean - truth) ** 2
    hold = [bounds[index] >= math.exp(truth[index]) for index in belief.open] or [True]
    above = [bound - math.exp(truth[index]) for index, bound in bounds.items()]
    return (
        float(off.mean()),
        float(off[list(belief.highest)].mean()),
        float(all(hold)),
        float(np.mean(hold)),
        float(np.mean(above)),
    )


def main() -> None:
    """Print how well newcomers are known."""
    truth = true_population(WORKLOADS)
    print(f"{len(truth.groups)} workloads in {len(set(truth.groups))} groups, seeds {', '.join(map(str, SEEDS))}")
    print(f"{'probes':>6}  {'design':10}  {'curves':>13}{'highest':>15}{'all hold':>15}{'each holds':>15}{'above':>13}")
    for at_most in range(1, MOST_PROBES + 1):
        for name, design in DESIGNS.items():
            over_seeds = [told(truth, design(at_most, seed), seed=seed) for seed in SEEDS]
            print(f"{at_most:6}  {name:10}  {_columns(over_seeds)}", flush=True)


def _columns(found: Sequence[Told]) -> str:
    columns = ([getattr(each, field.name) for each in found] for field in fields(Told))
    return "  ".join(f"{min(values):.3f} to {max(values):.3f}" for values in columns)


if __name__ == "__main__":
    main()
