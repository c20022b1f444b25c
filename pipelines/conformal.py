"""The margin that makes a bound hold for a workload never seen: hierarchical conformal prediction.

Rows of one workload are alike, so the unit that is exchangeable is the workload group, not the row. With K groups, each
carries the weight 1/(K+1), split over its own rows, and the group to come carries the last 1/(K+1) at infinity; the
margin is the quantile of that distribution (Lee, Barber and Willett, "Distribution-free inference with hierarchical
data", 2023, section 2.2, "HCP"). No rate above K/(K+1) has a finite margin.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipelines.errors import DataError

_SLACK = 1e-9
"""Weights are sums of fractions: a rate that is met but for rounding is met."""


def supported_rate(groups: int) -> float:
    """The highest rate that a bound calibrated over so many groups can be stated at."""
    return groups / (groups + 1)


def refuse_unsupported(rate: float, groups: int) -> None:
    """Refuse to state a rate that so few groups can't support.

    Raises:
        DataError: names both, and the highest rate that could be stated.
    """
    supported = supported_rate(groups)
    if rate > supported + _SLACK:
        raise DataError(
            f"a rate of {rate:g} can't be calibrated over {groups} workload group(s), which support no more than "
            f"{math.floor(1e3 * supported) / 1e3:.3f}: state a lower rate or characterise more workloads"
        )


def margin(scores: ArrayLike, groups: Sequence[str], *, rate: float) -> float:
    """The hierarchical conformal quantile.

    Args:
        scores: float ``(n,)``, by how much each row's truth lay above its prediction by a model that had not seen the
            row's group; negative where it lay below.
        groups: of each row's victim.
        rate: share of rows of a new group that prediction plus margin is to hold for, 0 to 1.

    Returns:
        The smallest score at which the weight of the scores up to it reaches ``rate``.

    Raises:
        DataError: so few groups can't support the rate.
    """
    names, inverse, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    refuse_unsupported(rate, len(names))
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    weights = 1.0 / ((len(names) + 1) * sizes[inverse])
    reached = np.cumsum(weights[order])
    return float(values[order][min(int(np.searchsorted(reached, rate - _SLACK)), len(values) - 1)])
