"""Intervals over workload groups: groups are resampled whole, since rows of one group are no independent evidence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.intp]], float]
"""A figure of some groups, named by their positions; a group may stand several times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and its percentile interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How often, how wide, and from which seed."""

    resamples: int
    confidence: float
    seed: int


def over_groups(statistic: Statistic, groups: int, how: Resampling) -> Interval:
    """The percentile bootstrap (Efron and Tibshirani, 1993, section 13.3) with groups as units.

    Args:
        statistic: of positions ``0 .. groups - 1``; NaN where those groups have nothing to say.
        groups: how many there are.
        how: resamples, confidence and seed. One seed draws the same groups for every figure, so figures are paired.
    """
    random = np.random.default_rng(how.seed)
    draws = random.integers(0, groups, size=(how.resamples, groups))
    values = np.array([statistic(draw) for draw in draws])
    values = values[~np.isnan(values)]
    point = statistic(np.arange(groups))
    if not len(values):
        return Interval(value=point, lower=point, upper=point)
    tail = (1.0 - how.confidence) / 2.0
    lower, upper = np.quantile(values, [tail, 1.0 - tail])
    return Interval(value=point, lower=float(min(lower, point)), upper=float(max(upper, point)))
