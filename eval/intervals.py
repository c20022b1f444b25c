"""Intervals where the units are not workload groups: counts, and repeated runs.

Over workload groups it is ``pipelines.bootstrap.over_groups``.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from eval.errors import EvaluationError
from pipelines.bootstrap import Interval


def exact_share(successes: int, trials: int, *, confidence: float) -> Interval:
    """A share of independent units, with the interval of Clopper and Pearson, Biometrika 26 (1934).

    Args:
        successes: 0 to ``trials``.
        trials: 1 or more.
        confidence: 0 to 1, both ends excluded.

    Raises:
        EvaluationError: there is no unit, or more successes than units.

    >>> exact_share(0, 10, confidence=0.9).upper < 0.26
    True
    """
    if not 0 <= successes <= trials or trials < 1:
        raise EvaluationError(f"{successes} of {trials} is no share: count units, one at least")
    lower, upper = _clopper_pearson(float(successes), float(trials), confidence=confidence)
    return Interval(value=successes / trials, lower=lower, upper=upper)


def share_of_alike(share: float, clusters: int, *, confidence: float) -> Interval:
    """A share of rows that are alike within clusters, each of which so counts as one row.

    The interval of Clopper and Pearson at the effective sample size: Korn and Graubard, "Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data", Survey Methodology 24, 1998.

    Args:
        share: of the rows, 0 to 1.
        clusters: 1 or more.
        confidence: 0 to 1, both ends excluded.
    """
    lower, upper = _clopper_pearson(share * clusters, float(clusters), confidence=confidence)
    return Interval(value=share, lower=min(lower, share), upper=max(upper, share))


def _clopper_pearson(held: float, rows: float, *, confidence: float) -> tuple[float, float]:
    from scipy.stats import beta  # noqa: PLC0415 - half a second that most commands do not need

    tail = (1.0 - confidence) / 2.0
    lower = float(beta.ppf(tail, held, rows - held + 1.0)) if held > 0.0 else 0.0
    upper = float(beta.ppf(1.0 - tail, held + 1.0, rows - held)) if held < rows else 1.0
    return lower, upper


def mean_over_runs(values: Sequence[float], *, confidence: float) -> Interval:
    """The mean of independent runs, with Student's interval ("The probable error of a mean", Biometrika 6, 1908).

    Args:
        values: one a run, two at least.
        confidence: 0 to 1, both ends excluded.

    Raises:
        EvaluationError: of fewer than two runs nobody knows how they differ.
    """
    if len(values) < 2:
        raise EvaluationError(f"{len(values)} run(s) give no interval: play two at least")
    from scipy.stats import t  # noqa: PLC0415 - as above

    mean = fmean(values)
    reach = float(t.ppf((1.0 + confidence) / 2.0, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return Interval(value=mean, lower=mean - reach, upper=mean + reach)
