"""What the last training left in the state directory, see ``pipelines.local_run``; made here where it left nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from contracts.bundle import MANIFEST_FILE, Manifest
from contracts.errors import ContractError
from eval.heldout.asked import asked_of
from pipelines.cross_fitting import cross_fit
from pipelines.dataset import TraceDataset
from pipelines.draft import draft_of
from pipelines.errors import DataError
from pipelines.family import BundleFamily, read_family
from pipelines.loaded_models import LoadedModels
from pipelines.predictions import BOUNDS_FILE, PREDICTIONS, HeldOutPredictions, read_predictions
from pipelines.settings import TrainingSettings
from pipelines.training import refuse_unsupported_rate
from pipelines.training_data import TrainingData
from serving.errors import BundleError
from serving.mlflow_champion import BUNDLE_ARTIFACT
from serving.regime_model import RegimeModel

_LEFT = Path("pipeline") / "root"
"""Within the state directory: what the last run's components handed on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """A training, as far as it is about workloads that it had not seen.

    Attributes:
        predictions: on the rows of each group by the bundle without it.
        family: the bundles.
        left: by an earlier training.
    """

    predictions: HeldOutPredictions
    family: BundleFamily
    left: bool

    def model_without(self, group: str) -> RegimeModel | None:
        """A regime model that has not seen a workload group; ``None`` where all have."""
        bundle = self.family.without(group)
        return None if bundle is None else RegimeModel(bundle)


def left_by_training(state: Path, dataset: TraceDataset) -> HeldOut | None:
    """That of the last training, if it was of these very traces; else ``None``."""
    for bounds in sorted((state / _LEFT).glob(f"**/{PREDICTIONS}/{BOUNDS_FILE}")):
        trained = bounds.parent.parent
        if _training_data(trained / BUNDLE_ARTIFACT / MANIFEST_FILE) != dataset.digest:
            continue
        try:
            predictions, family = read_predictions(trained / PREDICTIONS), read_family(trained)
        except (DataError, BundleError):
            continue
        if _names_the_same_rows(predictions, dataset):
            return HeldOut(predictions=predictions, family=family, left=True)
    return None


def made_here(data: TrainingData, groups: Sequence[str], settings: TrainingSettings) -> HeldOut:
    """Fit on some rows, and without each fold of them; ask about each group.

    Args:
        data: see ``asked.data_to_fit``; where no axis is judged in it, bounds are all that is fitted.
        groups: to ask about.
        settings: of the training.

    Raises:
        DataError: too few groups are left to calibrate the rate over, or no row has a group.
        ExportError: a graph differs from its model.
    """
    refuse_unsupported_rate(data, settings)
    fits = cross_fit(data, settings)
    created, digest = datetime.now(UTC), data.dataset.digest
    parts = [frozenset[int](), *(frozenset({fold}) for fold in range(len(data.folds.folds)))]
    whole, *others = (
        draft_of(data, fits, part, settings=settings, created=created, data_digest=digest).in_memory() for part in parts
    )
    family = BundleFamily(whole=whole, held_out=tuple(others))
    predictions = asked_of(family, data, groups, settings, models=LoadedModels())
    if predictions is None:
        raise DataError(f"no row has a workload of {', '.join(groups)}: name groups that the traces have")
    return HeldOut(predictions=predictions, family=family, left=False)


def _training_data(manifest: Path) -> str | None:
    try:
        return Manifest.from_json(manifest.read_bytes()).training_data
    except (FileNotFoundError, ContractError):
        return None


def _names_the_same_rows(predictions: HeldOutPredictions, dataset: TraceDataset) -> bool:
    """Predictions name traces by position, and a dataset's digest does not tell in which order they lie."""
    slowdowns = np.array([trace.slowdown for trace in dataset.traces])
    positions = predictions.bounds.trace
    return bool(
        len(positions)
        and positions.max() < len(slowdowns)
        and np.array_equal(slowdowns[positions], predictions.bounds.slowdown)
    )
