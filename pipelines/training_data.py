"""Everything that fits, calibrates or holds out looks at: rows, windows and labels of one dataset, and its folds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.profile import WorkloadProfile
from pipelines.dataset import TraceDataset
from pipelines.folds import STRESSOR_GROUP, Folds, folds_of
from pipelines.interference_rows import InterferenceRows, interference_rows
from pipelines.labels import Labels, label
from pipelines.settings import TrainingSettings
from pipelines.windows import Windows, windows_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """A dataset made ready for training.

    Attributes:
        dataset: as extracted.
        known: profiles of its workloads, the latest of a key last; stressors are no workloads.
        rows: of the interference model.
        windows, labels: of the regime classifier.
        folds: over the dataset's traces.
    """

    dataset: TraceDataset
    known: tuple[WorkloadProfile, ...]
    rows: InterferenceRows
    windows: Windows
    labels: Labels
    folds: Folds

    def rows_without(self, held_out: Iterable[int]) -> NDArray[np.bool_]:
        """Rows of the interference model that no held-out fold has a party in."""
        return np.asarray(self.folds.without(held_out)[self.rows.trace])

    def windows_without(self, held_out: Iterable[int]) -> NDArray[np.bool_]:
        """Windows that no held-out fold has a party in."""
        return np.asarray(self.folds.without(held_out)[self.windows.row])

    @property
    def victim_fold(self) -> NDArray[np.intp]:
        """int ``(rows,)``, see ``Folds.victim_fold``."""
        return np.asarray(self.folds.victim_fold[self.rows.trace])


def training_data(dataset: TraceDataset, settings: TrainingSettings) -> TrainingData:
    """Build rows, windows, labels and folds.

    Raises:
        DataError: rows of one window disagree, or there are too few workload groups.
    """
    known = workload_profiles(dataset)
    windows = windows_of(dataset.traces)
    return TrainingData(
        dataset=dataset,
        known=known,
        rows=interference_rows(dataset, known),
        windows=windows,
        labels=label(windows.traces, intensity=settings.injected_intensity, fewest_pressed=settings.fewest_pressed),
        folds=folds_of(dataset.traces, at_most=settings.folds),
    )


def workload_profiles(dataset: TraceDataset) -> tuple[WorkloadProfile, ...]:
    """Profiles of all parties but stressors, in order of when they were last seen."""
    named = {
        party.profile
        for trace in dataset.traces
        for party in (trace.victim, *trace.co_runners)
        if party.group != STRESSOR_GROUP
    }
    chosen = [profile for digest, profile in dataset.profiles_by_digest.items() if digest in named]
    return tuple(sorted(chosen, key=lambda profile: (profile.last_seen, profile.key)))
