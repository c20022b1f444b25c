"""An alarm that may be looked at all the time: with the days come gamblers, one unit of money a day among them.

Whoever comes in a period brings as much as the period has days, before anybody knows what happened in it. All make the
same bets from then on, and R is what they have together: the Shiryaev-Roberts form of an e-detector (Shin, Ramdas and
Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", NEJSDS 2, 2024). Whenever a change
comes, some have come shortly before it and lost little. As long as the null holds, R less the days that have passed is
a supermartingale, so that by Doob's inequality

    P(R reaches T within H days)  <=  H / T

and the mean time to a false alarm is T days or more. Days, not bets, count: how often one looks or bets in between does
not matter.
"""

import numpy as np

from contracts.model import Document
from eval.watch.betting import DoubleArray

_MOST = 1e250
"""Money beyond this is no more evidence, and would overflow."""


def threshold(*, level: float, horizon_days: float, tests: int) -> float:
    """What R has to reach for an alarm, so that ``tests`` tests together raise a false one within ``horizon_days`` days
    with probability ``level`` at most.

    By Bonferroni's split. Averages of e-processes would be stronger, and are not valid at a common stopping time where
    each is one in a filtration of its own (Choe and Ramdas, "Combining evidence across filtrations", 2024), as the
    conformal test's is.
    """
    return tests * horizon_days / level


def joined(wealths: DoubleArray, days: float) -> DoubleArray:
    """Money after those have come who come in so many days; of each size of bet, shape ``(..., sizes)``."""
    return wealths + days


def after_bet(wealths: DoubleArray, factors: DoubleArray) -> DoubleArray:
    """Money after a bet."""
    return np.minimum(wealths * factors, _MOST)


def evidence(wealths: DoubleArray) -> DoubleArray:
    """R, the mean over the sizes of bets: ``(...)`` of ``(..., sizes)``."""
    return np.asarray(wealths.mean(axis=-1))


class Gamblers(Document):
    """One test's money, as it is kept.

    Attributes:
        wealths: of each size of bet.
        days: until when gamblers came.
        bets: how many were made.
    """

    wealths: tuple[float, ...]
    days: float = 0.0
    bets: int = 0

    @classmethod
    def none(cls, sizes: int) -> "Gamblers":
        """Before the first day."""
        return cls(wealths=(0.0,) * sizes)

    @property
    def evidence(self) -> float:
        """R."""
        return float(evidence(np.array(self.wealths)))

    def until(self, days: float) -> "Gamblers":
        """When so many days have passed in all, those have come who had not yet."""
        missing = max(0.0, days - self.days)
        wealths = joined(np.array(self.wealths), missing)
        return Gamblers(wealths=tuple(wealths.tolist()), days=self.days + missing, bets=self.bets)

    def bet(self, factors: DoubleArray) -> "Gamblers":
        """After a bet, ``(sizes,)``."""
        wealths = after_bet(np.array(self.wealths), factors)
        return Gamblers(wealths=tuple(wealths.tolist()), days=self.days, bets=self.bets + 1)
