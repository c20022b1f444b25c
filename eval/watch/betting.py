"""Bets whose stake is worth no more in the mean than it was, as long as the null hypothesis holds.

A *factor* is what one unit of money becomes. Its conditional mean is at most 1 under the null, whatever was seen
before, so that products of factors are e-processes and large values are evidence (Ville's inequality). Each bet is made
at several sizes beside one another, since nobody knows beforehand which is best; their mean is a bet as well.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

DoubleArray = NDArray[np.float64]

FRACTIONS: DoubleArray = np.array([0.1, 0.3, 0.6, 0.95])
"""Of the largest stake that can't lead into debt."""

EXPONENTS: DoubleArray = np.array([0.1, 0.3, 0.5, 0.8])
"""Of the power bets: the lower, the more is won by the strangest alone."""


def mean_factors(values: ArrayLike, *, at_most: float, lowest: float = 0.0) -> DoubleArray:
    """Bets against "the mean is at most ``at_most``" (Waudby-Smith and Ramdas, "Estimating means of bounded random
    variables by betting", JRSS-B 86, 2024, section 4: capital process, here one-sided and on fixed stakes).

    Args:
        values: float ``(...)``, what was seen, ``lowest`` or above. Their conditional mean may depend on all before.
        at_most: the largest mean under the null, above ``lowest``.
        lowest: a value can't be lower.

    Returns:
        float64 ``(..., len(FRACTIONS))``, at least 0.
    """
    stakes = FRACTIONS / (at_most - lowest)
    return np.asarray(1.0 + stakes * (np.asarray(values, dtype=np.float64)[..., None] - at_most))


def rank_factors(p_values: ArrayLike) -> DoubleArray:
    """Bets against "the p-value is uniform", which win where it is small (Vovk, Nouretdinov and Gammerman, "Testing
    exchangeability on-line", ICML 2003: power martingales ``e p^(e - 1)``).

    Args:
        p_values: float ``(...)``, above 0 and up to 1.

    Returns:
        float64 ``(..., len(EXPONENTS))``, above 0.
    """
    return np.asarray(EXPONENTS * np.asarray(p_values, dtype=np.float64)[..., None] ** (EXPONENTS - 1.0))
