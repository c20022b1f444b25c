"""Models asked about held-out rows, by the code that serves."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.profile import Tier
from contracts.regime import Threshold, judge
from pipelines.abstention import said
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutRegimes
from pipelines.training_data import TrainingData
from serving.bound_model import BoundModel
from serving.regime_model import RegimeModel


def bounds_without(model: BoundModel, data: TrainingData, group: str) -> HeldOutBounds:
    """What a model that has not seen ``group`` says of every trace that the group is a party of."""
    traces = data.dataset.traces
    is_victim = np.array([trace.victim.group == group for trace in traces])
    meets = np.array([group in trace.groups for trace in traces])
    chosen = np.flatnonzero(meets[data.rows.trace])
    row_traces = data.rows.trace[chosen]
    tiers = data.rows.tier[chosen]
    said = model.predict(data.rows.matrix[chosen], [Tier(tier) for tier in tiers.tolist()])
    kinds = np.where(is_victim[row_traces], HeldOutKind.UNSEEN_VICTIM.value, HeldOutKind.UNSEEN_CO_RUNNER.value)
    return HeldOutBounds(
        group=np.full(len(chosen), group),
        kind=kinds,
        tier=tiers,
        trace=row_traces.astype(np.int64),
        slowdown=np.array([traces[index].slowdown for index in row_traces], dtype=np.float64),
        censored=data.rows.censored[chosen],
        median=said.median,
        upper=said.upper,
        beyond_training=said.beyond_training,
    )


def regimes_without(model: RegimeModel, data: TrainingData, group: str) -> HeldOutRegimes:
    """What a model that has not seen ``group`` says of every window that the group is a party of."""
    chosen = np.array([index for index, trace in enumerate(data.windows.traces) if group in trace.groups], np.intp)
    vectors = data.windows.vectors[chosen]
    probability = by_axis(model.probabilities_of(vectors))
    return HeldOutRegimes(
        group=np.full(len(chosen), group),
        trace=data.windows.row[chosen].astype(np.int64),
        provenance=np.array([data.labels.provenance[index].value for index in chosen], dtype=np.str_),
        regime=np.array([_regime(row, vector, model) for row, vector in zip(probability, vectors, strict=True)]),
        pressed=data.labels.pressed[chosen],
        probability=probability,
        said=said_by(model, probability),
    )


def by_axis(probabilities: Mapping[Axis, NDArray[np.float64]]) -> NDArray[np.float64]:
    """float64 ``(n, len(AXES))``, NaN of an axis that is not judged."""
    judged = next(iter(probabilities.values()))
    return np.column_stack([probabilities.get(axis, np.full(len(judged), np.nan)) for axis in AXES])


def said_by(model: RegimeModel, probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a model's own thresholds make of ``(n, len(AXES))`` probabilities, see ``pipelines.abstention.said``."""
    default = Threshold()
    return np.column_stack(
        [said(probability[:, column], model.thresholds.get(axis, default)) for column, axis in enumerate(AXES)]
    )


def joined_bounds(parts: Sequence[HeldOutBounds]) -> HeldOutBounds:
    """All rows, in order."""
    names = [field.name for field in fields(HeldOutBounds)]
    return HeldOutBounds(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def joined_regimes(parts: Sequence[HeldOutRegimes]) -> HeldOutRegimes:
    """All rows, in order."""
    names = [field.name for field in fields(HeldOutRegimes)]
    return HeldOutRegimes(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _regime(probabilities: NDArray[np.float64], vector: NDArray[np.float32], model: RegimeModel) -> str:
    judgement = judge(
        dict(zip(AXES, probabilities.tolist(), strict=True)),
        present_features=int(np.count_nonzero(~np.isnan(vector))),
        characterised=True,
        thresholds=model.thresholds,
    )
    return judgement.regime.value
