"""A workload's own bound, tightened by what happened to it, at once and without training.

The margin of a workload never seen has to cover workloads unlike it. Once it was observed in company its own scores,
by how much each measured log slowdown lay above the quantile that was predicted for it, say where its own margin lies.
With n of them, the margin is the conformal quantile (Vovk, Gammerman and Shafer, "Algorithmic learning in a random
world", 2005, section 2.2) of the n own scores and of P = ``PRIOR_OBSERVATIONS`` more at the population's margin:

    the smallest m such that  #(own scores <= m) + P [population <= m]  >=  rate (n + P)

It is the population's margin while nothing was observed and its own quantile in the end. On the way it moves only where
its own windows say so: down once ``rate (n + P)`` of them lie below the population's margin, up as soon as more of them
lie above it than the rate allows. So a workload that suffers more than all others is not bounded too tightly for long.
It looks at all scores anew whenever it is asked, so nothing is assumed of when one looks. For exchangeable own scores
it is short of the rate by ``1 / (n + 1)`` at most, and by what the population's margin is wrong for this workload while
that one leads; ``eval.heldout.observed`` measures both together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PRIOR_OBSERVATIONS = 8.0
"""How many own windows the population's margin is worth. Of 4, 8 and 16, chosen on a campaign that no figure is
reported of: it lifts the worst workloads, and widens the others little."""

MOST_KEPT = 512
"""Own scores that are kept, the latest: a workload that changes is judged by what it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMargin:
    """What a workload's own windows make of its margin against one bundle.

    Attributes:
        log_margin: in place of its tier's, which it may equal; ``math.inf`` where it was starved too often.
        observations: windows that it stands on, at least one.
        moved: it differs from its tier's.
    """

    log_margin: float
    observations: int
    moved: bool


def own_margin(scores: Sequence[float], *, population: float, rate: float) -> float:
    """The margin of the module's formula; the population's where nothing was observed.

    Args:
        scores: float ``(n,)``, own scores in any order: natural logarithm of the measured slowdown less that of the
            predicted quantile; of a starved victim ``math.inf``, which no margin covers.
        population: the log margin of the bundle's calibration for what was known before, finite.
        rate: as stated there, 0 to 1.

    Returns:
        A log margin, ``math.inf`` where more than ``1 - rate`` of its windows were starved.

    Raises:
        ValueError: a score is no number.
    """
    if not scores:
        return population
    if any(math.isnan(score) for score in scores):
        raise ValueError("the score of an observation is NaN: leave out windows whose slowdown was not measured")
    values = np.append(np.asarray(scores, dtype=np.float64), population)
    weights = np.append(np.ones(len(scores)), PRIOR_OBSERVATIONS)
    order = np.argsort(values, kind="stable")
    needed = rate * (len(scores) + PRIOR_OBSERVATIONS)
    reached = int(np.searchsorted(np.cumsum(weights[order]), needed - 1e-9))
    return float(values[order][min(reached, len(values) - 1)])
