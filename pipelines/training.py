"""One training: fit, calibrate, hold out, and draft the bundles."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.boosting import Boosting, boosted_here
from pipelines.bootstrap import Resampling
from pipelines.conformal import refuse_unsupported
from pipelines.cross_fitting import FittedModels, HeldOut, cross_fit
from pipelines.draft import Draft, draft_of, with_figures
from pipelines.family import BundleFamily, predictions_of
from pipelines.figures import HeldOutFigures, figures_of
from pipelines.folds import STRESSOR_GROUP, workload_groups
from pipelines.predictions import HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """What comes out of a training.

    Attributes:
        draft: the bundle of everything, with the held-out figures in its manifest.
        held_out: for each fold the bundle that has not seen it, by the fold's position.
        predictions: of those on what they had not seen.
        figures: of the predictions.
    """

    draft: Draft
    held_out: Mapping[int, Draft]
    predictions: HeldOutPredictions
    figures: HeldOutFigures


def train(data: TrainingData, settings: TrainingSettings, boosting: Boosting = boosted_here) -> Training:
    """Train on a dataset, and without each fold of it; ``boosting`` says who fits.

    Raises:
        DataError: too few groups are left to calibrate the rate over.
        ExportError: a graph differs from its model.
    """
    refuse_unsupported_rate(data, settings)
    return trained_from(cross_fit(data, settings, boosting), data, settings)


def trained_from(fits: Mapping[HeldOut, FittedModels], data: TrainingData, settings: TrainingSettings) -> Training:
    """Calibrate, hold out and draft, from all the fits of a dataset, wherever they were made.

    Raises:
        ExportError: a graph differs from its model.
    """
    created = datetime.now(UTC)
    data_digest = data.dataset.digest

    def draft(held_out: HeldOut) -> Draft:
        return draft_of(data, fits, held_out, settings=settings, created=created, data_digest=data_digest)

    parts = [frozenset[int](), *(frozenset({fold}) for fold in range(len(data.folds.folds)))]
    with ThreadPoolExecutor(max_workers=settings.workers) as pool:
        whole, *siblings = pool.map(draft, parts)
    family = BundleFamily(whole=whole.in_memory(), held_out=tuple(sibling.in_memory() for sibling in siblings))
    predictions = predictions_of(family, data, workload_groups(data.dataset.traces), settings)
    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    figures = figures_of(predictions, how)
    return Training(
        draft=with_figures(whole, figures.figures),
        held_out=dict(enumerate(siblings)),
        predictions=predictions,
        figures=figures,
    )


def refuse_unsupported_rate(data: TrainingData, settings: TrainingSettings) -> None:
    """Before anything is fitted: the bundle with the most groups held out has the fewest left to calibrate on.

    Raises:
        DataError: these are too few for the rate.
    """
    victims = {trace.victim.group for trace in data.dataset.traces} - {STRESSOR_GROUP}
    refuse_unsupported(settings.rate, min(len(victims - groups) for groups in data.folds.folds))
