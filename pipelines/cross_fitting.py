"""All models of a training: on everything, without each fold, and without each two folds.

What is fitted without folds i and j serves twice: it judges j for the calibration of the model that is held out from i,
and i for the one held out from j. So nested leave-one-group-out costs half as many fits, and nothing that is held out
is ever near its own calibration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from contracts.axis import AXES, Axis
from pipelines.boosting import Boosting, boosted_here
from pipelines.interference_training import QuantileModel, fit_quantile
from pipelines.regime_training import fit_axis
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData

if TYPE_CHECKING:
    from xgboost import Booster

HeldOut = frozenset[int]
"""Folds that a fit has not seen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedModels:
    """What was fitted on one part of the data: a model a judged axis, and a model a quantile."""

    axes: Mapping[Axis, Booster]
    quantiles: Mapping[float, QuantileModel]


def cross_fit(
    data: TrainingData, settings: TrainingSettings, boosting: Boosting = boosted_here
) -> Mapping[HeldOut, FittedModels]:
    """Fit every part; where two folds are held out the upper quantile alone, since calibration needs no median."""
    parts = list(parts_of_folds(len(data.folds.folds)))
    with ThreadPoolExecutor(max_workers=settings.workers) as pool:
        fitted = pool.map(lambda held_out: fit_part(data, held_out, settings, boosting), parts)
        return dict(zip(parts, fitted, strict=True))


def parts_of_folds(folds: int) -> Iterator[HeldOut]:
    """None held out, each fold, and each two."""
    for size in (0, 1, 2):
        for held_out in combinations(range(folds), size):
            yield frozenset(held_out)


def fit_part(
    data: TrainingData, held_out: HeldOut, settings: TrainingSettings, boosting: Boosting = boosted_here
) -> FittedModels:
    """The models that have not seen some folds."""
    windows = data.windows_without(held_out)
    rows = data.rows_without(held_out)
    quantiles = (settings.upper,) if len(held_out) > 1 else (settings.median, settings.upper)
    return FittedModels(
        axes={
            axis: fit_axis(
                data.windows.vectors[windows], data.labels.pressed[windows, AXES.index(axis)], settings, boosting
            )
            for axis in data.labels.judged
        },
        quantiles={
            quantile: fit_quantile(data.rows, rows, quantile=quantile, settings=settings, boosting=boosting)
            for quantile in quantiles
        },
    )
