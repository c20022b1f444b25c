"""What gamblers have together: false alarms as rare as stated, whenever one looks, and changes found all the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eval.intervals import exact_share
from eval.watch.betting import FRACTIONS, mean_factors
from eval.watch.gamblers import Gamblers, threshold
from eval.watch.settings import TESTS, WatchSettings
from eval.watch.simulation import Simulated, false_alarms, of_means, of_vectors

LEVEL, DAYS, RUNS = 0.2, 60, 600


def is_no_more_often_than(level: float, seen: Simulated) -> bool:
    """As far as so many runs can tell."""
    runs = len(seen.alarmed_on)
    return exact_share(round(seen.share * runs), runs, confidence=0.998).lower <= level


def test_at_the_edge_of_the_null_false_alarms_are_as_rare_as_stated() -> None:
    limit = threshold(level=LEVEL, horizon_days=DAYS, tests=1)
    means = np.full(DAYS * 4, 0.25)
    seen = of_means(means, runs=RUNS, at_most=0.25, bets_a_day=4, limit=limit, seed=1)
    assert is_no_more_often_than(LEVEL, seen)
    assert seen.share > 0.0, "a bound that nothing comes near proves nothing"


def test_days_that_are_alike_raise_as_few_false_alarms_as_stated() -> None:
    limit = threshold(level=0.9, horizon_days=DAYS, tests=1)
    seen = of_vectors(np.zeros(DAYS), runs=RUNS, calibration=20, limit=limit, seed=2)
    assert is_no_more_often_than(0.9, seen)
    assert seen.share > 0.0


def test_where_the_null_is_broken_the_same_check_fails() -> None:
    limit = threshold(level=LEVEL, horizon_days=DAYS, tests=1)
    seen = of_means(np.full(DAYS * 4, 0.32), runs=RUNS, at_most=0.25, bets_a_day=4, limit=limit, seed=1)
    assert not is_no_more_often_than(LEVEL, seen)


def test_a_thousand_days_without_a_change_at_the_watchs_own_settings() -> None:
    """Three-hour periods, which are as good for this; the whole is ``python -m eval.watch.simulation --days 1000``."""
    settings = WatchSettings(period_seconds=3 * 3600.0)
    for seen in false_alarms(settings, days=1000, runs=40, seed=5).values():
        assert is_no_more_often_than(settings.level / TESTS, seen)


def test_coverage_that_falls_from_eighty_to_fifty_percent_is_noticed_within_a_day() -> None:
    settings = WatchSettings()
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    means = np.concatenate([np.full(240, 0.2), np.full(60, 0.5)])
    seen = of_means(means, runs=200, at_most=0.25, bets_a_day=24, limit=limit, seed=3)
    late = np.sort(seen.alarmed_on - 240)[190]
    assert 10 < late < 30
    assert seen.share == 1.0


def test_three_times_as_strange_days_are_noticed_within_three_weeks() -> None:
    settings = WatchSettings()
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    shifts = np.concatenate([np.zeros(30), np.full(30, 3.0)])
    seen = of_vectors(shifts, runs=200, calibration=settings.calibration_days, limit=limit, seed=4)
    assert np.sort(seen.alarmed_on - 30)[180] < 21


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(1, 3)), max_size=30))
def test_what_is_kept_says_the_same_as_the_arrays_of_the_simulation(told: list[tuple[float, int]]) -> None:
    """Also when it was written down and read again after every bet."""
    kept, wealths, days = Gamblers.none(len(FRACTIONS)), np.zeros(len(FRACTIONS)), 0
    for value, passed in told:
        days += passed
        factors = mean_factors(value, at_most=0.3)
        wealths = (wealths + passed) * factors
        kept = Gamblers.from_json(kept.until(days).bet(factors).to_json())
    np.testing.assert_allclose(kept.wealths, wealths)
    assert kept.bets == len(told)


def test_who_looks_twice_on_a_day_sees_no_further_gamblers() -> None:
    once = Gamblers.none(2).until(3)
    assert once.until(3) == once
    assert once.until(2) == once
    assert once.wealths == (3.0, 3.0)


def test_money_without_end_stays_a_number() -> None:
    rich = Gamblers.none(len(FRACTIONS)).until(1)
    for _ in range(2000):
        rich = rich.bet(mean_factors(1.0, at_most=0.05))
    assert np.isfinite(rich.evidence)
    assert Gamblers.from_json(rich.to_json()) == rich
