"""Evidence without a feature store: labels and profiles that are handed over."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from pipelines.folds import STRESSOR_GROUP


class EvidenceInMemory:
    """What happened, as it is told; see ``eval.watch.evidence.Evidence``."""

    def __init__(self) -> None:
        self._rows: list[LabelledTrace] = []
        self._profiles: dict[str, WorkloadProfile] = {}

    def add(self, rows: Iterable[LabelledTrace], profiles: Iterable[WorkloadProfile] = ()) -> None:
        """More of it."""
        self._rows.extend(rows)
        self._profiles.update({profile.digest: profile for profile in profiles})

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        """See ``Evidence``."""
        return [row for row in self._rows if start_ns <= row.window_start_ns + row.window_length_ns <= end_ns]

    def profiles(self, traces: Iterable[LabelledTrace]) -> Mapping[str, WorkloadProfile]:
        """See ``Evidence``."""
        named = {party.profile for trace in traces for party in (trace.victim, *trace.co_runners)}
        return {digest: profile for digest, profile in self._profiles.items() if digest in named}

    def fresh_windows(self, since_ns: int) -> Mapping[str, int]:
        """See ``Evidence``."""
        groups = (row.victim.group for row in self._rows if row.window_start_ns >= since_ns)
        return Counter(group for group in groups if group != STRESSOR_GROUP)
