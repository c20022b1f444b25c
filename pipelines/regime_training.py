"""The regime classifier: one XGBoost model an axis, trained to do without features that a node may not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.events import Pmu, event
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of
from contracts.vector import FloatArray
from pipelines.settings import TrainingSettings

if TYPE_CHECKING:
    from xgboost import Booster

UNCORE = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})

LOST_TOGETHER: tuple[frozenset[Pmu], ...] = (
    UNCORE,
    frozenset({Pmu.CORE}),
    frozenset({Pmu.RESCTRL}),
    frozenset({Pmu.IIO}),
    UNCORE | {Pmu.RESCTRL},
)
"""PMUs that a node lacks together: a virtual machine its uncore, isolated CPUs their core events, a kernel without
resctrl, a socket whose IIO boxes are not offered, and a virtual machine without resctrl."""


def features_of(pmus: frozenset[Pmu]) -> NDArray[np.bool_]:
    """bool ``(len(schema),)``, features whose formula needs one of these PMUs."""
    return np.array(
        [any(event(name).pmu in pmus for name in events_of(spec.formulas[0])) for spec in FEATURE_SCHEMA_V1.features]
    )


def with_dropped_copies(vectors: FloatArray, settings: TrainingSettings) -> FloatArray:
    """The vectors, then ``dropped_copies`` times all of them with features missing at random.

    Returns:
        float32 ``((1 + dropped_copies) * n, len(schema))``.
    """
    random = np.random.default_rng(settings.seed)
    lost = np.stack([features_of(pmus) for pmus in LOST_TOGETHER])
    copies = [vectors]
    for _ in range(settings.dropped_copies):
        single = random.random(vectors.shape) < settings.feature_dropout
        whole = random.random(len(vectors)) < settings.pmu_dropout
        chosen = lost[random.integers(0, len(lost), size=len(vectors))]
        copies.append(np.where(single | (chosen & whole[:, None]), np.float32(np.nan), vectors))
    return np.concatenate(copies)


def fit_axis(vectors: FloatArray, pressed: NDArray[np.float64], settings: TrainingSettings) -> Booster:
    """Fit one axis.

    Args:
        vectors: float32 ``(n, len(schema))``, during the window.
        pressed: float ``(n,)``, 1 or 0; windows with NaN are left out.
        settings: the trees and the dropout.
    """
    import xgboost  # noqa: PLC0415

    labelled = ~np.isnan(pressed)
    rows = with_dropped_copies(vectors[labelled], settings)
    target = np.tile(pressed[labelled], 1 + settings.dropped_copies)
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
    return xgboost.train(parameters, xgboost.QuantileDMatrix(rows, target, nthread=1), trees.trees)
