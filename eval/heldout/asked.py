"""Models asked about rows: made ready for it as the training makes them, but no regimes where nobody can tell any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from contracts.axis import AXES
from contracts.profile import WorkloadProfile
from contracts.trace import Provenance
from eval.heldout.traces import is_foreign
from pipelines.dataset import TraceDataset
from pipelines.family import BundleFamily
from pipelines.folds import Folds, folds_of
from pipelines.interference_rows import interference_rows
from pipelines.judged import bounds_without, joined_bounds, joined_regimes, regimes_without
from pipelines.labels import Labels, by_rules, label
from pipelines.loaded_models import LoadedModels
from pipelines.predictions import HeldOutPredictions, HeldOutRegimes
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData, workload_profiles
from pipelines.windows import Windows, windows_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Rows, and what models said of those with an unseen workload.

    Attributes:
        data: the rows; predictions name them by position.
        predictions: what was said.
    """

    data: TrainingData
    predictions: HeldOutPredictions


def data_to_fit(dataset: TraceDataset, settings: TrainingSettings) -> TrainingData:
    """Rows to fit on, cut into folds; no axis is judged where none is pressed often enough, or nobody can tell.

    Raises:
        DataError: rows of one window disagree, or there are too few workload groups.
    """
    return _data(dataset, workload_profiles(dataset), folds_of(dataset.traces, at_most=settings.folds), settings)


def data_to_ask(dataset: TraceDataset, fitted: TrainingData, settings: TrainingSettings) -> TrainingData:
    """Rows to ask about, made ready with the population that the models know.

    Raises:
        DataError: rows of one window disagree.
    """
    nowhere = Folds(
        folds=fitted.folds.folds,
        victim_fold=np.full(len(dataset.traces), -1, dtype=np.intp),
        meets=np.zeros((len(dataset.traces), len(fitted.folds.folds)), dtype=np.bool_),
    )
    return _data(dataset, fitted.known, nowhere, settings)


def asked_of(
    family: BundleFamily, data: TrainingData, groups: Sequence[str], settings: TrainingSettings, *, models: LoadedModels
) -> HeldOutPredictions | None:
    """What a family says of each group's rows by the bundle without it; ``None`` where no row has any of them.

    Args:
        family: the bundles.
        data: the rows.
        groups: to ask about.
        settings: the rate that the predictions are to be judged at.
        models: of the family, as far as they are loaded.
    """
    there = frozenset().union(*(trace.groups for trace in data.dataset.traces))
    bundles = {group: bundle for group in groups if group in there and (bundle := family.without(group)) is not None}
    if not bundles:
        return None
    judges = bool(family.whole.manifest.axis_calibrations)
    regimes = (
        [regimes_without(models.regimes(bundle), data, group) for group, bundle in bundles.items()] if judges else []
    )
    return HeldOutPredictions(
        rate=settings.rate,
        bounds=joined_bounds([bounds_without(models.bounds(bundle), data, group) for group, bundle in bundles.items()]),
        regimes=joined_regimes(regimes) if regimes else no_regimes(),
    )


def only_groups(predictions: HeldOutPredictions, groups: Sequence[str]) -> HeldOutPredictions:
    """What was said of some groups."""
    bounds, regimes = predictions.bounds, predictions.regimes
    own = np.isin(regimes.group, list(groups))
    return replace(
        predictions,
        bounds=bounds.only(np.isin(bounds.group, list(groups))),
        regimes=HeldOutRegimes(
            group=regimes.group[own],
            trace=regimes.trace[own],
            provenance=regimes.provenance[own],
            regime=regimes.regime[own],
            pressed=regimes.pressed[own],
            probability=regimes.probability[own],
            said=regimes.said[own],
        ),
    )


def no_regimes() -> HeldOutRegimes:
    """Of models that judge no axis."""
    words, nothing = np.empty(0, dtype=np.str_), np.empty((0, len(AXES)))
    return HeldOutRegimes(
        group=words,
        trace=np.empty(0, dtype=np.int64),
        provenance=words,
        regime=words,
        pressed=nothing,
        probability=nothing,
        said=nothing,
    )


def _data(
    dataset: TraceDataset, known: tuple[WorkloadProfile, ...], folds: Folds, settings: TrainingSettings
) -> TrainingData:
    windows = windows_of(dataset.traces)
    return TrainingData(
        dataset=dataset,
        known=known,
        rows=interference_rows(dataset, known),
        windows=windows,
        labels=_labels(windows, settings),
        folds=folds,
    )


def _labels(windows: Windows, settings: TrainingSettings) -> Labels:
    """As the training labels. Rules are for the characterised CPU, so windows of another have no label at all."""
    told = any(window.provenance is not Provenance.RULE for window in windows.traces)
    if is_foreign(windows.traces) or not (told or (by_rules(windows.vectors) == 0.0).any()):
        return Labels(
            pressed=np.full((len(windows.traces), len(AXES)), np.nan),
            provenance=tuple(window.provenance for window in windows.traces),
            agreement=(),
            judged=(),
        )
    labels = label(windows.traces, intensity=settings.injected_intensity, fewest_pressed=0)
    often = (labels.pressed == 1.0).sum(axis=0) >= settings.fewest_pressed
    enough = often & (labels.pressed == 0.0).any(axis=0)
    return replace(labels, judged=tuple(axis for axis, judged in zip(AXES, enough, strict=True) if judged))
