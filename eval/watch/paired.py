"""Which of two champions' bounds held more often, on the same outcomes: McNemar's test as a bet, by whole workloads.

Windows in which both bounds held, or neither, say nothing (McNemar, "Note on the sampling error of the difference
between correlated proportions or percentages", Psychometrika 12, 1947). Of each workload group that has others, it is
asked whose bound failed more often there. The value of a period is the mean over these groups of +1 where the new one's
did, and -1 where the former's did. As long as the new one is no worse its conditional mean is at most 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eval.watch.betting import FRACTIONS, DoubleArray, mean_factors


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedOutcome:
    """One window of one victim: its workload group, and whose bound failed."""

    group: str
    new_failed: bool
    former_failed: bool


def paired_value(outcomes: Iterable[PairedOutcome]) -> float | None:
    """The period's value, -1 to 1; ``None`` where no group says anything."""
    surplus: dict[str, int] = {}
    for outcome in outcomes:
        surplus[outcome.group] = surplus.get(outcome.group, 0) + outcome.new_failed - outcome.former_failed
    signs = [1 if more > 0 else -1 for more in surplus.values() if more]
    return sum(signs) / len(signs) if signs else None


def paired_factors(value: float) -> DoubleArray:
    """Bets against "the new one is no worse", ``(len(FRACTIONS),)``."""
    return mean_factors(value, at_most=0.0, lowest=-1.0)


def unbet() -> tuple[float, ...]:
    """The money at a guard's beginning, one unit for each size of bet: from here on Ville's inequality holds."""
    return (1.0,) * len(FRACTIONS)


def money(wealths: tuple[float, ...]) -> float:
    """Mean over the sizes of bets; the chance that it ever reaches 1/a is a at most."""
    return float(np.mean(wealths))
