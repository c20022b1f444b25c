"""Calibration tables of one fit, from models that are held out from what they judge."""

from collections.abc import Mapping

import numpy as np

from contracts.axis import AXES, Axis
from contracts.bundle import AxisCalibration, BoundCalibration
from contracts.profile import Tier
from pipelines.conformal import margin, supported_rate
from pipelines.cross_fitting import FittedModels, HeldOut
from pipelines.interference_rows import TIERS
from pipelines.probability import fit_calibration
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData


def axis_calibrations(
    data: TrainingData,
    fits: Mapping[HeldOut, FittedModels],
    held_out: HeldOut,
    settings: TrainingSettings,
) -> tuple[AxisCalibration, ...]:
    """One table a judged axis, on windows that meet none of ``held_out``.

    A window is scored once for each fold that has a party in it, by the fit that has not seen that fold. The sigmoid
    and the axis' thresholds both come from these scores.
    """
    return tuple(_axis_calibration(axis, data, fits, held_out, settings) for axis in data.labels.judged)


def bound_calibrations(
    data: TrainingData,
    fits: Mapping[HeldOut, FittedModels],
    held_out: HeldOut,
    settings: TrainingSettings,
) -> tuple[BoundCalibration, ...]:
    """One margin a tier, over the workload groups outside ``held_out``, each judged as an unseen victim.

    Where fits are reused across folds the distribution-free guarantee of hierarchical conformal prediction, which is
    for one split, holds approximately; the figures held out tell how well.

    Raises:
        DataError: there are too few groups for the rate, or no profile has answers to probes.
    """
    allowed = data.rows_without(held_out)
    scores = np.full(len(allowed), np.nan)
    for fold in _others(data, held_out):
        chosen = allowed & (data.victim_fold == fold)
        if chosen.any():
            model = fits[held_out | {fold}].quantiles[settings.upper]
            scores[chosen] = data.rows.log_slowdown[chosen] - model.predict(data.rows.matrix[chosen])
    groups = data.rows.victim_group
    scored = ~np.isnan(scores)
    return tuple(
        _bound_calibration(tier, scores[chosen], groups[chosen], settings)
        for tier in TIERS
        if (chosen := scored & data.rows.of_tier(tier)).any()
    )


def _axis_calibration(
    axis: Axis,
    data: TrainingData,
    fits: Mapping[HeldOut, FittedModels],
    held_out: HeldOut,
    settings: TrainingSettings,
) -> AxisCalibration:
    pressed = data.labels.pressed[:, AXES.index(axis)]
    meets = data.folds.meets[data.windows.row]
    allowed = data.windows_without(held_out) & ~np.isnan(pressed)
    scores, truth = [], []
    for fold in _others(data, held_out):
        chosen = allowed & meets[:, fold]
        if chosen.any():
            scores.append(fits[held_out | {fold}].axes[axis].inplace_predict(data.windows.vectors[chosen]))
            truth.append(pressed[chosen])
    return fit_calibration(
        axis,
        scores=np.concatenate(scores),
        pressed=np.concatenate(truth),
        wrong_at_most=settings.wrong_at_most,
        undecided_at_most=settings.undecided_at_most,
    )


def _bound_calibration(
    tier: Tier, scores: np.ndarray, groups: np.ndarray, settings: TrainingSettings
) -> BoundCalibration:
    count = len(np.unique(groups))
    log_margin = margin(scores, groups.tolist(), rate=settings.rate)
    return BoundCalibration(
        tier=tier,
        rate=settings.rate,
        groups=count,
        supported_rate=supported_rate(count),
        log_margin=float(np.clip(log_margin, -10.0, 10.0)),
    )


def _others(data: TrainingData, held_out: HeldOut) -> list[int]:
    return [fold for fold in range(len(data.folds.folds)) if fold not in held_out]
