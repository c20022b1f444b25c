"""A workload's own margin: the population's at first, its own quantile in the end, and valid on the way."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.observed_bound import PRIOR_OBSERVATIONS, own_margin

scores = st.lists(st.floats(-2, 2), max_size=60)
rates = st.floats(0.5, 0.95)


@given(st.floats(-1, 1), rates)
def test_without_observations_the_margin_is_the_populations(population: float, rate: float) -> None:
    assert own_margin([], population=population, rate=rate) == population


@given(scores, st.floats(-1, 1), rates, st.randoms())
def test_the_order_of_observations_does_not_matter(
    own: list[float], population: float, rate: float, shuffle: random.Random
) -> None:
    shuffled = list(own)
    shuffle.shuffle(shuffled)
    assert own_margin(own, population=population, rate=rate) == own_margin(shuffled, population=population, rate=rate)


@given(scores.filter(bool), st.integers(0, 59), st.floats(0, 2), st.floats(-1, 1), rates)
def test_a_worse_observation_never_lowers_the_margin(
    own: list[float], which: int, rise: float, population: float, rate: float
) -> None:
    worse = list(own)
    worse[which % len(own)] += rise
    assert own_margin(worse, population=population, rate=rate) >= own_margin(own, population=population, rate=rate)


@given(scores, st.floats(-1, 1), st.floats(0, 1), rates)
def test_a_wider_population_never_lowers_the_margin(
    own: list[float], population: float, rise: float, rate: float
) -> None:
    wider = own_margin(own, population=population + rise, rate=rate)
    assert wider >= own_margin(own, population=population, rate=rate)


@given(scores, st.floats(-1, 1), rates, st.floats(0, 0.04))
def test_a_higher_rate_never_lowers_the_margin(own: list[float], population: float, rate: float, more: float) -> None:
    higher = own_margin(own, population=population, rate=rate + more)
    assert higher >= own_margin(own, population=population, rate=rate)


@given(scores.filter(bool), st.floats(-1, 1), rates)
def test_the_margin_is_the_populations_or_one_of_its_own_scores(
    own: list[float], population: float, rate: float
) -> None:
    assert own_margin(own, population=population, rate=rate) in {population, *own}


def test_a_workload_that_suffers_less_than_the_population_is_soon_bounded_by_its_own() -> None:
    margins = [own_margin([0.05] * count, population=0.4, rate=0.8) for count in (0, 10, 40)]
    assert margins == [0.4, 0.4, 0.05]


def test_a_workload_that_suffers_more_is_bounded_more_loosely_at_once() -> None:
    assert own_margin([0.9], population=0.1, rate=0.9) == 0.9


def test_a_starved_workload_has_no_margin() -> None:
    assert own_margin([math.inf] * 40, population=0.2, rate=0.8) == math.inf


def test_an_observation_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="leave out windows whose slowdown was not measured"):
        own_margin([0.1, math.nan], population=0.2, rate=0.8)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1), rates)
def test_more_observations_of_a_calm_workload_never_raise_the_bound(
    count: int, more: int, population: float, rate: float
) -> None:
    calm = population - 0.1
    fewer = own_margin([calm] * count, population=population, rate=rate)
    assert own_margin([calm] * (count + more), population=population, rate=rate) <= fewer <= population


@given(st.integers(3, 40), st.floats(0, 1), rates, st.floats(0.01, 2))
def test_a_workload_that_suffers_in_every_window_gets_a_higher_bound(
    count: int, population: float, rate: float, more: float
) -> None:
    needed = math.ceil(PRIOR_OBSERVATIONS * (1 - rate) / rate) + 1
    suffering = [population + more] * max(count, needed)
    assert own_margin(suffering, population=population, rate=rate) == suffering[0]


@pytest.mark.parametrize("count", [5, 20, 80], ids=str)
@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.3], ids=str)
def test_the_margin_holds_for_the_next_window_of_a_workload_unlike_the_population(count: int, shift: float) -> None:
    generator = np.random.default_rng(1)
    rate, population = 0.8, float(np.quantile(generator.normal(0.0, 0.2, 10_000), 0.8))
    own = generator.normal(shift, 0.2, (2_000, count + 1))
    held = [row[-1] <= own_margin(row[:-1].tolist(), population=population, rate=rate) for row in own]
    lead = PRIOR_OBSERVATIONS / (count + PRIOR_OBSERVATIONS)
    assert np.mean(held) >= rate - 0.03 - (0.6 * lead if shift > 0 else 0.0)
