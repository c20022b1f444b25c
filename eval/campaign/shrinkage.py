"""How much of a sample's correlations to believe.

Few samples show many variables as correlated that are not. Pulling all correlations towards none by one share makes
their estimate better; which share is best can be estimated from the sample itself, with nothing to tune (Schäfer and
Strimmer, "A shrinkage approach to large-scale covariance matrix estimation", Statistical Applications in Genetics and
Molecular Biology 4, 2005, target D, after Ledoit and Wolf, Journal of Multivariate Analysis 88, 2004).
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]


def shrunk_covariance(apart: DoubleArray, weights: DoubleArray) -> DoubleArray:
    """The covariance, each correlation in it pulled towards none.

    Args:
        apart: float64 ``(samples, variables)``, differences from the weighted mean.
        weights: float64 ``(samples,)``, above zero, 1 in all; two samples at least.

    Returns:
        float64 ``(variables, variables)``; variances stay what they are in the sample.
    """
    covariance = apart.T @ (weights[:, None] * apart) / (1.0 - float(weights @ weights))
    share = unbelieved_share(apart, weights)
    return (1.0 - share) * covariance + share * np.diag(np.diag(covariance))


def unbelieved_share(apart: DoubleArray, weights: DoubleArray) -> float:
    """The share of each correlation that is not believed: their estimated variances over their squares, 0 to 1.

    Args:
        apart, weights: as above.

    Returns:
        1 where no two variables go along with each other at all.
    """
    deviations = np.sqrt(weights @ apart**2)
    scaled = apart / np.where(deviations > 0.0, deviations, 1.0)
    correlations = scaled.T @ (weights[:, None] * scaled)
    squares = (scaled**2).T @ (weights[:, None] * scaled**2)
    pairs = ~np.eye(len(correlations), dtype=bool)
    told = float((correlations[pairs] ** 2).sum())
    one_sample = float(weights @ weights)
    variance = one_sample / (1.0 - one_sample) * (float(squares[pairs].sum()) - told)
    return min(max(variance, 0.0) / told, 1.0) if told > 0.0 else 1.0
