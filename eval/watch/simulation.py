"""The tests' promises, simulated: false alarms where nothing changes, and how long a change goes unnoticed.

python -m eval.watch.simulation --days 1000 --runs 1000

Statistics alone, no testbed: the nulls at their very edge, and values as scattered as a mean over some five workload
groups. Many runs side by side.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eval.watch.betting import EXPONENTS, FRACTIONS, DoubleArray, mean_factors, rank_factors
from eval.watch.gamblers import after_bet, evidence, joined, threshold
from eval.watch.settings import TESTS, WatchSettings

SCATTER = 20.0
"""Concentration of the Beta distribution of a period's value: at a mean of a quarter it deviates by a tenth."""

_STATED_MISSES = 0.2
"""Of a champion that states 80 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What became of many runs of one test.

    Attributes:
        alarmed_on: int ``(runs,)``, in which bet's number the alarm came, from 0; -1 where none came.
    """

    alarmed_on: np.ndarray

    @property
    def share(self) -> float:
        """Of runs with an alarm."""
        return float((self.alarmed_on >= 0).mean())


def of_means(means: DoubleArray, *, runs: int, at_most: float, bets_a_day: int, limit: float, seed: int) -> Simulated:
    """Bets on means: coverage, and regimes.

    Args:
        means: of each bet's value, float ``(bets,)``.
        at_most: the null's.
        limit: what R has to reach.
    """
    rng = np.random.default_rng(seed)
    values = (
        rng.beta(mean * SCATTER, (1.0 - mean) * SCATTER, size=runs) if mean > 0.0 else np.zeros(runs) for mean in means
    )
    factors = (mean_factors(value, at_most=at_most) for value in values)
    return _played(factors, runs=runs, sizes=len(FRACTIONS), bets_a_day=bets_a_day, limit=limit)


def of_vectors(shifts: DoubleArray, *, runs: int, calibration: int, limit: float, seed: int) -> Simulated:
    """Bets on ranks of days.

    Args:
        shifts: of each day's strangeness, in standard deviations from a day of the calibration, float ``(days,)``.
        calibration: days before.
    """
    rng = np.random.default_rng(seed)
    days = calibration + len(shifts)
    scores = rng.standard_normal((runs, days))
    scores[:, calibration:] += shifts
    ranks = (
        ((scores[:, :day] >= scores[:, day, None]).sum(axis=1) + 1) / (day + 1) for day in range(calibration, days)
    )
    factors = (rank_factors(p_values) for p_values in ranks)
    return _played(factors, runs=runs, sizes=len(EXPONENTS), bets_a_day=1, limit=limit)


def _played(factors: Iterator[DoubleArray], *, runs: int, sizes: int, bets_a_day: int, limit: float) -> Simulated:
    wealths, alarmed_on = np.zeros((runs, sizes)), np.full(runs, -1)
    for number, factor in enumerate(factors):
        wealths = after_bet(joined(wealths, 1.0 / bets_a_day), factor)
        alarmed_on[(alarmed_on < 0) & (evidence(wealths) >= limit)] = number
    return Simulated(alarmed_on=alarmed_on)


def false_alarms(settings: WatchSettings, *, days: int, runs: int, seed: int) -> dict[str, Simulated]:
    """Each test on days without a change, at the edge of its null."""
    bets_a_day = round(86_400 / settings.period_seconds)
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    misses = _STATED_MISSES + settings.coverage_slack
    of_mean = {"coverage": misses, "regimes": settings.disagreement}
    found = {
        name: of_means(
            np.full(days * bets_a_day, mean), runs=runs, at_most=mean, bets_a_day=bets_a_day, limit=limit, seed=seed
        )
        for name, mean in of_mean.items()
    }
    vectors = of_vectors(np.zeros(days), runs=runs, calibration=settings.calibration_days, limit=limit, seed=seed)
    return {**found, "vectors": vectors}


def delays(settings: WatchSettings, *, quiet_days: int, runs: int, seed: int) -> Iterator[tuple[str, str, DoubleArray]]:
    """Test, change, and bets from there to the alarm, float ``(runs,)``, infinite where none came within forty days."""
    bets_a_day = round(86_400 / settings.period_seconds)
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    cases = (
        ("coverage", _STATED_MISSES, _STATED_MISSES + settings.coverage_slack, (0.3, 0.35, 0.4, 0.5, 0.7)),
        ("regimes", settings.disagreement / 2.0, settings.disagreement, (0.15, 0.2, 0.3, 0.5)),
    )
    for name, before, at_most, afters in cases:
        for after in afters:
            means = np.concatenate([np.full(quiet_days * bets_a_day, before), np.full(40 * bets_a_day, after)])
            seen = of_means(means, runs=runs, at_most=at_most, bets_a_day=bets_a_day, limit=limit, seed=seed)
            yield name, f"{before:.0%} -> {after:.0%} wrong", _after(seen, quiet_days * bets_a_day)
    for shift in (2.0, 3.0, 5.0):
        shifts = np.concatenate([np.zeros(quiet_days), np.full(40, shift)])
        seen = of_vectors(shifts, runs=runs, calibration=settings.calibration_days, limit=limit, seed=seed)
        yield "vectors", f"stranger by {shift:g} deviations", _after(seen, quiet_days)


def _after(seen: Simulated, change: int) -> DoubleArray:
    true = seen.alarmed_on[(seen.alarmed_on < 0) | (seen.alarmed_on >= change)]
    return np.where(true < 0, np.inf, true - change + 1.0)


def main(arguments: list[str]) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args(arguments)
    settings = WatchSettings()
    out = sys.stdout
    found = false_alarms(settings, days=told.days, runs=told.runs, seed=told.seed)
    out.write(f"no change, {told.days} days, {told.runs} runs, level {settings.level:g} for all tests together\n")
    for name, seen in found.items():
        out.write(f"  {name:<10} a false alarm in {seen.share:.2%} of runs, {settings.level / TESTS:.2%} allowed\n")
    together = np.stack([seen.alarmed_on for seen in found.values()]).max(axis=0) >= 0
    out.write(f"  {'any':<10} a false alarm in {together.mean():.2%} of runs, {settings.level:.2%} allowed\n\n")
    out.write("bets from a change to the alarm, the change after 60 days: median, 95 % of runs\n")
    for name, change, spent in delays(settings, quiet_days=60, runs=min(told.runs, 400), seed=told.seed):
        middle, late = np.quantile(spent, (0.5, 0.95), method="higher")
        out.write(f"  {name:<10} {change:<28} {middle:>6g} {late:>6g}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
