"""The regime classifier: one XGBoost model an axis, trained to do without features that a node may not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.vector import FloatArray
from pipelines.boosting import Boosting, Ensemble, FitRows, boosted_here
from pipelines.event_groups import EVENT_GROUPS, lost_with
from pipelines.settings import TrainingSettings

if TYPE_CHECKING:
    from xgboost import Booster

_BINS = 64
"""A classifier of some hundred windows finds no more in 256, which take far longer to fit."""


def with_dropped_copies(vectors: FloatArray, settings: TrainingSettings) -> FloatArray:
    """The vectors, then ``dropped_copies`` times all of them with features missing at random, alone and by group.

    Returns:
        float32 ``((1 + dropped_copies) * n, len(schema))``.
    """
    random = np.random.default_rng(settings.seed)
    lost = np.stack([lost_with(events) for events in EVENT_GROUPS.values()])
    copies = [vectors]
    for _ in range(settings.dropped_copies):
        single = random.random(vectors.shape) < settings.feature_dropout
        whole = random.random(len(vectors)) < settings.group_dropout
        chosen = lost[random.integers(0, len(lost), size=len(vectors))]
        copies.append(np.where(single | (chosen & whole[:, None]), np.float32(np.nan), vectors))
    return np.concatenate(copies)


def fit_axis(
    vectors: FloatArray, pressed: NDArray[np.float64], settings: TrainingSettings, boosting: Boosting = boosted_here
) -> Booster:
    """Fit one axis.

    Args:
        vectors: float32 ``(n, len(schema))``, during the window.
        pressed: float ``(n,)``, 1 or 0; windows with NaN are left out.
        settings: the trees and the dropout.
        boosting: who fits them.
    """
    labelled = ~np.isnan(pressed)
    rows = with_dropped_copies(vectors[labelled], settings)
    target = np.tile(pressed[labelled], 1 + settings.dropped_copies)
    return boosting(FitRows(matrix=rows, target=target), axis_ensemble(settings))


def axis_ensemble(settings: TrainingSettings) -> Ensemble:
    """The trees of one axis."""
    trees = settings.regime
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": trees.depth,
        "eta": trees.learning_rate,
        "subsample": trees.subsample,
        "colsample_bytree": trees.columns,
        "min_child_weight": trees.smallest_leaf,
        "base_score": 0.5,
        "nthread": 1,
        "seed": settings.seed,
        "verbosity": 0,
    }
    return Ensemble(parameters=parameters, trees=trees.trees, bins=_BINS)
