"""Where the watch finds what happened: labels and profiles of the feature store, and traces that a training reads."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from feature_repo.labels import labels_between
from feature_repo.profiles import ProfileKey, profiles_as_of
from feature_repo.store import open_store
from pipelines.dataset import dataset_directory, read_dataset
from pipelines.errors import DataError
from pipelines.folds import STRESSOR_GROUP


class Evidence(Protocol):
    """What happened."""

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        """Labels whose windows ended from ``start_ns`` to ``end_ns``, both included; UTC nanoseconds since 1970."""

    def profiles(self, traces: Iterable[LabelledTrace]) -> Mapping[str, WorkloadProfile]:
        """Profiles that traces name, by digest, as far as they are known."""

    def fresh_windows(self, since_ns: int) -> Mapping[str, int]:
        """By workload group how many rows a training would read whose windows began since; UTC nanoseconds."""


class StoredEvidence:
    """A state directory's feature store and traces.

    Args:
        state: the state directory.

    Raises:
        StoreError: its feature store can't be opened.
    """

    def __init__(self, state: Path) -> None:
        self._traces = dataset_directory(state)
        self._store = open_store(state)

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        """See ``Evidence``.

        Raises:
            ContractError: history holds a row that breaks the contract.
            StoreUnreachableError: the store can't be reached.
        """
        return labels_between(self._store, start_ns, end_ns)

    def profiles(self, traces: Iterable[LabelledTrace]) -> Mapping[str, WorkloadProfile]:
        """See ``Evidence``: the profile that was known when the window began, if it is the one that the trace names."""
        asked = {
            (party.key, party.profile): ProfileKey(party.key, trace.window_start_ns)
            for trace in traces
            for party in (trace.victim, *trace.co_runners)
        }
        found = profiles_as_of(self._store, list(asked.values()))
        return {profile.digest: profile for profile in found if profile is not None}

    def fresh_windows(self, since_ns: int) -> Mapping[str, int]:
        """See ``Evidence``; none where there are no traces yet."""
        try:
            traces = read_dataset(self._traces).traces
        except DataError:
            return {}
        groups = (trace.victim.group for trace in traces if trace.window_start_ns >= since_ns)
        return Counter(group for group in groups if group != STRESSOR_GROUP)
