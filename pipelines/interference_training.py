"""The interference model: XGBoost quantile regression of the logarithm of a victim's slowdown.

One quantile is two ensembles: one for victims whose answers to probes are known, one for those of whom only counters
are. In a single ensemble the many rows without sensitivities make every split on them a poor one, and it learns to do
without them for all. With some ten workloads, whatever tells a victim or its neighbours apart is learnt by heart; so
the ensemble for probed victims sees pressures and sensitivities alone. Both are monotone in everything that presses the
victim. A model has one quantile, since XGBoost's many-quantile models convert to ONNX silently wrong, and an objective
of its own, since XGBoost's for quantiles does not keep to monotone constraints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.profile import Tier
from contracts.vector import FloatArray
from pipelines.interference_rows import InterferenceRows
from pipelines.settings import TrainingSettings
from serving.interference_row import INTERFERENCE_COLUMNS, RISING_COLUMNS, column_index

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

_RISING = frozenset(RISING_COLUMNS)
MONOTONE = tuple(int(column in _RISING) for column in INTERFERENCE_COLUMNS)
"""+1 where a higher value never lowers the slowdown, 0 where the model is free."""

_FINGERPRINTS = np.array(
    [
        column.startswith("victim.pressure.") or (column.startswith("domain.") and column not in _RISING)
        for column in INTERFERENCE_COLUMNS
    ]
)
"""bool ``(columns,)``, what tells workloads apart without pressing anybody."""

SENSITIVITIES = column_index([f"victim.sensitivity.{axis}" for axis in AXES])
"""Columns that are all missing where a victim was never probed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantileModel:
    """One quantile of log slowdown.

    Attributes:
        counters: for victims without any sensitivity.
        probed: for all others; ``None`` where training had no probed victim, so that ``counters`` answers for all.
    """

    counters: Booster
    probed: Booster | None

    def predict(self, rows: FloatArray) -> NDArray[np.float64]:
        """Log slowdowns.

        Args:
            rows: float32 ``(n, len(INTERFERENCE_COLUMNS))``, NaN for missing.

        Returns:
            float64 ``(n,)``.
        """
        said = np.asarray(self.counters.inplace_predict(rows), dtype=np.float64)
        if self.probed is None:
            return said
        blind = np.isnan(rows[:, SENSITIVITIES]).all(axis=1)
        return np.where(blind, said, np.asarray(self.probed.inplace_predict(rows), dtype=np.float64))


def fit_quantile(
    rows: InterferenceRows, chosen: NDArray[np.bool_], *, quantile: float, settings: TrainingSettings
) -> QuantileModel:
    """Fit one quantile on the chosen rows; each workload group weighs the same, however many rows it has.

    A censored row stands at the ceiling: its true slowdown lies further up, and no bound is ever above the ceiling.

    Args:
        rows: of all traces and tiers.
        chosen: bool ``(n,)``, what may be seen.
        quantile: 0 to 1.
        settings: the trees.
    """
    counters, probed = chosen & rows.of_tier(Tier.COUNTERS), chosen & rows.of_tier(Tier.PROBED)
    blinkered = np.where(_FINGERPRINTS, np.float32(np.nan), rows.matrix)
    return QuantileModel(
        counters=_fit(rows.matrix[counters], rows, counters, quantile=quantile, settings=settings),
        probed=_fit(blinkered[probed], rows, probed, quantile=quantile, settings=settings) if probed.any() else None,
    )


def _fit(
    matrix: FloatArray,
    rows: InterferenceRows,
    chosen: NDArray[np.bool_],
    *,
    quantile: float,
    settings: TrainingSettings,
) -> Booster:
    import xgboost  # noqa: PLC0415

    trees = settings.interference
    target, weights = rows.log_slowdown[chosen], _equal_groups(rows.victim_group[chosen])
    parameters = {
        "tree_method": "hist",
        "monotone_constraints": MONOTONE,
        "max_depth": trees.depth,
        "eta": trees.learning_rate,
        "subsample": trees.subsample,
        "colsample_bytree": trees.columns,
        "min_child_weight": trees.smallest_leaf,
        "base_score": float(np.quantile(target, quantile)),
        "disable_default_eval_metric": True,
        "nthread": 1,
        "seed": settings.seed,
        "verbosity": 0,
    }
    data = xgboost.QuantileDMatrix(matrix, target, weight=weights, nthread=1)
    return xgboost.train(parameters, data, trees.trees, obj=_pinball(quantile))


def _pinball(quantile: float) -> Callable[[NDArray[np.float32], DMatrix], tuple[NDArray[Any], NDArray[Any]]]:
    """Gradient of the pinball loss (Koenker and Bassett, "Regression quantiles", 1978), with a curvature of one.

    XGBoost's own ``reg:quantileerror`` replaces a tree's leaves by quantiles of what falls into them once the tree is
    grown, and forgets the monotone constraints over it: more pressure then predicts less in some places.
    """

    def objective(predicted: NDArray[np.float32], data: DMatrix) -> tuple[NDArray[Any], NDArray[Any]]:
        weights = data.get_weight()
        return np.where(predicted >= data.get_label(), 1.0 - quantile, -quantile) * weights, weights

    return objective


def _equal_groups(groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weights of mean 1 under which each group has the same total."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(len(groups) / (len(sizes) * sizes[inverse]))
