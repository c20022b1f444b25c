"""The interference model: XGBoost quantile regression of the logarithm of a victim's slowdown.

One quantile is two ensembles: one for victims whose answers to probes are known, one for those of whom only counters
are. In a single ensemble the many rows without sensitivities make every split on them a poor one, and it learns to do
without them for all. Workloads are few, so whatever tells a victim or its neighbours apart is learnt by heart; what
each ensemble sees stands in ``pipelines.tree_inputs``. Both are monotone in everything that presses the victim. A model
has one quantile, since XGBoost's many-quantile models convert to ONNX silently wrong, and an objective of its own,
since XGBoost's for quantiles does not keep to monotone constraints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier
from contracts.vector import FloatArray
from pipelines.boosting import Boosting, Ensemble, FitRows, Pinball, boosted_here
from pipelines.errors import DataError
from pipelines.interference_rows import InterferenceRows
from pipelines.settings import TrainingSettings
from pipelines.tree_inputs import MONOTONE_COUNTERS, MONOTONE_PROBED, SENSITIVITIES, TreeInputs

if TYPE_CHECKING:
    from xgboost import Booster

_INPUTS = "leeward.tree_inputs"
"""The attribute of an ensemble that says how rows are made ready for it: it travels in XGBoost's own document."""


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
        said = np.asarray(self.counters.inplace_predict(self.inputs.of_counters(rows)), dtype=np.float64)
        if self.probed is None:
            return said
        blind = np.isnan(rows[:, SENSITIVITIES]).all(axis=1)
        probed = self.probed.inplace_predict(self.inputs.of_probed(rows))
        return np.where(blind, said, np.asarray(probed, dtype=np.float64))

    @property
    def inputs(self) -> TreeInputs:
        """How rows are made ready for both ensembles."""
        said = self.counters.attr(_INPUTS)
        if said is None:
            raise DataError("an interference model does not say how its rows are made ready: fit it again")
        return TreeInputs.from_json(said)


def fit_quantile(
    rows: InterferenceRows,
    chosen: NDArray[np.bool_],
    *,
    quantile: float,
    settings: TrainingSettings,
    boosting: Boosting = boosted_here,
) -> QuantileModel:
    """Fit one quantile on the chosen rows; each workload group weighs the same, however many rows it has.

    A censored row stands at the ceiling: its true slowdown lies further up, and no bound is ever above the ceiling.

    Args:
        rows: of all traces and tiers.
        chosen: bool ``(n,)``, what may be seen.
        quantile: 0 to 1.
        settings: the trees.
        boosting: who fits them.
    """
    counters, probed = chosen & rows.of_tier(Tier.COUNTERS), chosen & rows.of_tier(Tier.PROBED)
    inputs = TreeInputs.of(rows.matrix[chosen])
    blind = _Part(
        matrix=inputs.of_counters(rows.matrix[counters]),
        log_slowdown=rows.log_slowdown[counters],
        groups=rows.victim_group[counters],
        monotone=MONOTONE_COUNTERS,
    )
    known = _Part(
        matrix=inputs.of_probed(rows.matrix[probed]),
        log_slowdown=rows.log_slowdown[probed],
        groups=rows.victim_group[probed],
        monotone=MONOTONE_PROBED,
    )
    model = QuantileModel(
        counters=boosting(blind.rows, blind.ensemble(quantile, settings)),
        probed=boosting(known.rows, known.ensemble(quantile, settings)) if probed.any() else None,
    )
    model.counters.set_attr(**{_INPUTS: inputs.to_json()})
    return model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """What one ensemble is fitted on; ``matrix`` is ``(n, len(monotone))``."""

    matrix: FloatArray
    log_slowdown: NDArray[np.float64]
    groups: NDArray[np.str_]
    monotone: tuple[int, ...]

    @property
    def rows(self) -> FitRows:
        return FitRows(matrix=self.matrix, target=self.log_slowdown, weight=_equal_groups(self.groups))

    def ensemble(self, quantile: float, settings: TrainingSettings) -> Ensemble:
        start = float(np.quantile(self.log_slowdown, quantile))
        return quantile_ensemble(self.monotone, quantile=quantile, start=start, settings=settings)


def quantile_ensemble(
    monotone: tuple[int, ...], *, quantile: float, start: float, settings: TrainingSettings
) -> Ensemble:
    """One ensemble of one quantile.

    Args:
        monotone: +1 a column in which it never falls, else 0.
        quantile: 0 to 1.
        start: the quantile of all its targets, from where trees go on.
        settings: the trees.
    """
    trees = settings.interference
    parameters = {
        "tree_method": "hist",
        "monotone_constraints": monotone,
        "max_depth": trees.depth,
        "eta": trees.learning_rate,
        "subsample": trees.subsample,
        "colsample_bytree": trees.columns,
        "min_child_weight": trees.smallest_leaf,
        "base_score": start,
        "disable_default_eval_metric": True,
        "nthread": 1,
        "seed": settings.seed,
        "verbosity": 0,
    }
    return Ensemble(parameters=parameters, trees=trees.trees, objective=Pinball(quantile=quantile))


def _equal_groups(groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """Weights of mean 1 under which each group has the same total."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(len(groups) / (len(sizes) * sizes[inverse]))
