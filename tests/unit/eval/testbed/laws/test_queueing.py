"""A bounded queue before a worker: M/M/1/K (Kleinrock, "Queueing Systems" vol. 1, 1975, 3.6)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.queueing import LATENCY_QUANTILE, blocked_share, latency_in_services

LOADS = st.floats(0.01, 50.0)
PLACES = st.integers(1, 64)


def blocked(load: float, places: int) -> float:
    return float(blocked_share(np.array([load]), np.array([float(places)]))[0])


def stay(load: float, places: int) -> float:
    return float(latency_in_services(np.array([load]), np.array([float(places)]))[0])


@given(LOADS, PLACES)
def test_blocked_share_is_the_last_state_of_the_queue(load: float, places: int) -> None:
    weights = np.array([load**n for n in range(places + 1)])
    assert blocked(load, places) == pytest.approx(weights[-1] / weights.sum(), rel=1e-6)


def test_a_load_of_one_fills_all_states_evenly() -> None:
    assert blocked(1.0, 9) == pytest.approx(0.1)


@given(LOADS, PLACES)
def test_more_places_turn_fewer_away_and_none_carries_more_than_a_worker_can(load: float, places: int) -> None:
    assert blocked(load, places + 1) <= blocked(load, places)
    assert load * (1 - blocked(load, places)) <= 1 + 1e-9


def test_a_large_load_is_turned_away_but_for_what_the_worker_can_do() -> None:
    assert blocked(40.0, 64) == pytest.approx(1 - 1 / 40)


def test_the_last_percentile_grows_without_bound_towards_a_full_load() -> None:
    stays = [stay(load, 10_000) for load in (0.5, 0.9, 0.99, 0.999)]
    assert stays == sorted(stays)
    assert stays[-1] > 100 * stays[0]


@given(LOADS, LOADS, PLACES)
def test_more_load_is_never_carried_less(first: float, second: float, places: int) -> None:
    low, high = sorted((first, second))
    assert low * (1 - blocked(low, places)) <= high * (1 - blocked(high, places)) * (1 + 1e-9)


@given(LOADS, LOADS, st.integers(2, 64))
def test_latency_rises_with_load_and_stays_within_the_queue(first: float, second: float, places: int) -> None:
    low, high = sorted((first, second))
    assert 1.0 <= stay(low, places) <= stay(high, places) * (1 + 1e-6)
    assert stay(high, places) <= places + 1


@given(st.floats(0.05, 0.95), st.integers(4, 64))
def test_latency_is_the_quantile_of_customers_ahead(load: float, places: int) -> None:
    ahead = stay(load, places) - 1.0
    at_least = (load**ahead - load**places) / (1 - load**places)
    assert at_least == pytest.approx(1 - LATENCY_QUANTILE, rel=1e-6)
