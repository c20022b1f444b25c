"""Bounds of what was not measured lie as high as held-out groups needed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from contracts.slowdown import SLOWDOWN_CEILING
from eval.campaign.believed_bounds import RATE, BoundRule, bound_rule, probed
from eval.campaign.probing import Belief, Population, Probe, chosen, prior
from eval.campaign.profile_measurements import UPPER_DEVIATIONS

PROBES = tuple(Probe(axis=axis, intensity=at) for axis in (Axis.LLC, Axis.SMT, Axis.TLB) for at in (0.5, 1.0))


def drawn(rng: np.random.Generator, workloads: int, *, tail: float) -> Population:
    """Workloads of groups of two, more or less extreme ones among them."""
    groups = (workloads + 1) // 2
    level = np.abs(rng.standard_t(tail, (groups, 3))).clip(max=15.0) * 0.15
    logs = np.repeat(np.repeat(level, 2, axis=0)[:workloads], 2, axis=1) * [0.4, 1.0, 0.4, 1.0, 0.4, 1.0]
    noise = 0.015 * rng.standard_normal(logs.shape)
    names = tuple(f"g{index // 2}" for index in range(workloads))
    return Population(probes=PROBES, logs=logs + noise, groups=names, deviation=0.015)


@pytest.mark.parametrize("tail", [3.0, 30.0])
def test_bounds_hold_as_often_as_stated_for_groups_never_seen(tail: float) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _ in range(60):
        population = drawn(rng, 42, tail=tail)
        newcomer, known = population.logs[0], population.without("g0")
        rule = bound_rule(known, chosen(1))
        belief = probed(prior(known), newcomer.tolist(), chosen(1))
        uppers = {index: rule.point(belief, index).upper for index in belief.open}
        held.append(all(upper >= min(math.exp(newcomer[index]), SLOWDOWN_CEILING) for index, upper in uppers.items()))
    assert np.mean(held) >= RATE - 0.1


def test_extreme_workloads_take_bounds_up() -> None:
    mild, wild = (bound_rule(drawn(np.random.default_rng(4), 42, tail=tail), chosen(1)) for tail in (30.0, 2.0))
    assert wild.deviations > 1.2 * mild.deviations
    assert mild.rate == wild.rate == RATE


def test_few_groups_state_a_lower_rate_so_that_no_single_one_decides() -> None:
    population = drawn(np.random.default_rng(4), 18, tail=30.0)
    assert bound_rule(population, chosen(1)).rate == pytest.approx(0.8)
    odd = population.logs.copy()
    odd[-2:, 3] += 5.0
    alone = bound_rule(Population(probes=PROBES, logs=odd, groups=population.groups, deviation=0.015), chosen(1))
    assert alone.deviations < 5.0


def test_bounds_lie_no_lower_than_those_of_measured_points() -> None:
    population = drawn(np.random.default_rng(4), 42, tail=30.0)
    assert bound_rule(population, chosen(3)).deviations == UPPER_DEVIATIONS
    assert not probed(prior(population), population.logs[0].tolist(), chosen(3)).open


@given(st.floats(-1.0, 4.0), st.floats(0.0, 4.0), st.floats(2.0, 20.0))
def test_a_believed_point_is_one_that_a_profile_takes(mean: float, variance: float, deviations: float) -> None:
    belief = Belief(
        probes=(Probe(axis=Axis.LLC, intensity=1.0),),
        mean=np.array([mean]),
        covariance=np.array([[variance]]),
        deviation=0.015,
    )
    point = BoundRule(deviations=deviations, rate=0.9).points(belief)[Axis.LLC]
    assert 1.0 <= point.slowdown <= point.upper <= SLOWDOWN_CEILING
    assert point.pressure == 1.0
    assert math.log(point.upper) >= min(mean + deviations * math.sqrt(variance), math.log(SLOWDOWN_CEILING)) - 1e-9
