"""The one place where trees are fitted: every model of a training is an ``Ensemble`` fitted on ``FitRows``.

Who fits is handed in as ``Boosting``: ``boosted_here`` in this process, ``pipelines.dask_boosting`` on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.vector import FloatArray

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinball:
    """Gradient of the pinball loss (Koenker and Bassett, "Regression quantiles", 1978), with a curvature of one.

    XGBoost's own ``reg:quantileerror`` replaces a tree's leaves by quantiles of what falls into them once the tree is
    grown, and forgets the monotone constraints over it: more pressure then predicts less in some places.

    It looks at one row at a time, so that each worker of a cluster may ask it about its own rows.

    Attributes:
        quantile: 0 to 1.
    """

    quantile: float

    def __call__(self, predicted: NDArray[np.float32], data: DMatrix) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradient and curvature of each row."""
        return self._gradient(predicted, data.get_label(), data.get_weight())

    def on(self, rows: FitRows) -> Callable[[NDArray[np.float32], DMatrix], tuple[NDArray[Any], NDArray[Any]]]:
        """The same, of rows that are known: to ask XGBoost for them again costs a sixth of a small tree."""
        target = rows.target.astype(np.float32)
        weights = np.ones_like(target) if rows.weight is None else rows.weight.astype(np.float32)
        return lambda predicted, _: self._gradient(predicted, target, weights)

    def _gradient(
        self, predicted: NDArray[np.float32], target: NDArray[np.float32], weights: NDArray[np.float32]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        return np.where(predicted >= target, 1.0 - self.quantile, -self.quantile) * weights, weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """What is to be fitted.

    Attributes:
        parameters: of XGBoost, with all that follows from the rows as a whole, as ``base_score``.
        trees: how many.
        objective: ``None`` where the parameters name one.
        bins: into how many each column's values are sorted before a tree looks at them, at most.
    """

    parameters: Mapping[str, Any]
    trees: int
    objective: Pinball | None = None
    bins: int = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitRows:
    """What it is fitted on.

    Attributes:
        matrix: float32 ``(n, columns)``, NaN for missing.
        target: float ``(n,)``.
        weight: float ``(n,)``, over all rows of the fit; ``None`` where each counts one.
    """

    matrix: FloatArray
    target: NDArray[np.float64]
    weight: NDArray[np.float64] | None = None


class Boosting(Protocol):
    """Fits ensembles, somewhere."""

    def __call__(self, rows: FitRows, ensemble: Ensemble) -> Booster:
        """Fit one."""


def boosted_here(rows: FitRows, ensemble: Ensemble) -> Booster:
    """Fit in this process, by one thread: the same rows give the same bytes."""
    import xgboost  # noqa: PLC0415

    data = xgboost.QuantileDMatrix(rows.matrix, rows.target, weight=rows.weight, nthread=1, max_bin=ensemble.bins)
    objective = None if ensemble.objective is None else ensemble.objective.on(rows)
    parameters = {**ensemble.parameters, "max_bin": ensemble.bins}
    return xgboost.train(parameters, data, ensemble.trees, obj=objective)
