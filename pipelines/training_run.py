"""What a training leaves in its MLflow run: settings, figures, the data's digest, and a nested run for each fold."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from contracts.bundle import Manifest
from contracts.profile import Tier
from pipelines.family import BundleFamily
from pipelines.figures import coverage_by_group
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutKind, HeldOutPredictions
from pipelines.settings import TrainingSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PARENT_TAG = "mlflow.parentRunId"
"""By which MLflow knows a nested run."""

_LONGEST_DIGEST = 36
"""Characters of a data set's digest that MLflow takes; the whole one stands in its tags."""


def log_training(client: MlflowClient, run: str, manifest: Manifest, settings: TrainingSettings) -> None:
    """Settings, figures with their intervals, margins, and which data it was."""
    chosen = settings.model_dump(mode="json", by_alias=False)
    flat = {
        f"{name}.{inner}" if inner else name: value
        for name, entry in chosen.items()
        for inner, value in (entry.items() if isinstance(entry, dict) else [("", entry)])
    }
    figures = {
        f"{figure.name}{suffix}": value
        for figure in manifest.held_out
        for suffix, value in (("", figure.value), (".lower", figure.lower), (".upper", figure.upper))
    }
    _log(client, run, manifest, figures | _margins(manifest), {name: str(value) for name, value in flat.items()})
    _log_data(client, run, manifest)


def log_folds(client: MlflowClient, run: str, family: BundleFamily, predictions: HeldOutPredictions) -> None:
    """A nested run for each bundle that has not seen some workload groups, with its figures on just these."""
    whole = family.whole.manifest
    parent = client.get_run(run).info
    for sibling in family.held_out:
        manifest = sibling.manifest
        unseen = sorted(set(whole.training_groups) - set(manifest.training_groups))
        name = f"without {', '.join(unseen) or 'nobody'}"
        fold = client.create_run(parent.experiment_id, run_name=name, tags={_PARENT_TAG: run}).info.run_id
        params = {"held_out_groups": ", ".join(unseen), "training_groups": str(len(manifest.training_groups))}
        _log(client, fold, manifest, fold_figures(predictions, unseen) | _margins(manifest), params)
        client.set_terminated(fold)


def fold_figures(predictions: HeldOutPredictions, groups: list[str]) -> dict[str, float]:
    """Figures on some workload groups; those that nothing can be said of are left out.

    Returns:
        Names as of ``pipelines.figures.HeldOutFigures``, for unseen victims, and ``regime.brier``.
    """
    figures: dict[str, float] = {}
    for tier in TIERS:
        figures |= _bound_figures(predictions, groups, tier)
    regimes = predictions.regimes
    chosen = np.isin(regimes.group, groups)
    squares = (regimes.probability[chosen] - regimes.pressed[chosen]) ** 2
    known = squares[~np.isnan(squares)]
    if known.size:
        figures["regime.brier"] = float(known.mean())
    return figures


def _bound_figures(predictions: HeldOutPredictions, groups: list[str], tier: Tier) -> dict[str, float]:
    bounds = predictions.bounds
    victims = (bounds.tier == tier.value) & (bounds.kind == HeldOutKind.UNSEEN_VICTIM.value)
    chosen = bounds.only(victims & np.isin(bounds.group, groups))
    if not len(chosen):
        return {}
    prefix = f"bound.{tier}.{HeldOutKind.UNSEEN_VICTIM}"
    return {
        f"{prefix}.coverage": float(np.mean(list(coverage_by_group(chosen).values()))),
        f"{prefix}.tightness": float(np.median(chosen.upper / chosen.slowdown)),
        f"{prefix}.median_error": float(np.median(np.abs(chosen.median / chosen.slowdown - 1.0))),
    }


def _margins(manifest: Manifest) -> dict[str, float]:
    return {f"bound.{one.tier}.log_margin": one.log_margin for one in manifest.bound_calibrations}


def _log(client: MlflowClient, run: str, manifest: Manifest, figures: dict[str, float], params: dict[str, str]) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415

    milliseconds = round(manifest.created.timestamp() * 1000)
    client.log_batch(
        run,
        metrics=[Metric(name, value, milliseconds, 0) for name, value in figures.items() if math.isfinite(value)],
        params=[Param(name, value) for name, value in params.items()],
    )


def _log_data(client: MlflowClient, run: str, manifest: Manifest) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415

    whole = manifest.training_data
    data = Dataset(
        name="labelled-traces",
        digest=whole.removeprefix("sha256:")[:_LONGEST_DIGEST],
        source_type="leeward",
        source=json.dumps({"digest": whole}),
        profile=json.dumps({"workload_groups": len(manifest.training_groups), "simulated": manifest.simulated}),
    )
    tags = [InputTag("mlflow.data.context", "training"), InputTag("leeward.digest", whole)]
    client.log_inputs(run, [DatasetInput(data, tags)])
