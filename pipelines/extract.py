"""From labels to training rows: each row's inputs as the feature store knew them at the time.

``during`` is what was known when the window ended. ``before`` is what was known when the latest arrival came, which is
when the window began or, where the window is not the arrival's first, some windows earlier. Both by Feast's
point-in-time join. A trace carries both already; where the store says otherwise one of the two is wrong, and nothing is
trained. Profiles are named by traces, and known to the store or refused; one that was still being measured when
``before`` had ended might know what came of the arrival, and is refused too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace, Party
from contracts.vector import FeatureVector
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError

if TYPE_CHECKING:
    from feature_repo.history import VectorKey
    from feature_repo.profiles import ProfileKey

SETTLING_WINDOWS = 2
"""So many windows after the latest arrival a row may still be measured."""

ROWS_A_JOIN = 10_000
"""Rows whose vectors are asked for together."""

BEFORE, DURING = "before", "during"

_UNKNOWN = "the feature store has no vector of them: take the vectors in before training on them"
_FOREIGN = "the feature store has another vector than they carry: traces and store are not of one run"
_YOUNGER = (
    "a profile that they name was still being measured when that window had ended, so it may know what came of the "
    "arrival: profile workloads before they meet others"
)
_SHOWN = 3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

VectorsAsOf = Callable[[Sequence["VectorKey"]], Sequence[FeatureVector | None]]
ProfilesAsOf = Callable[[Sequence["ProfileKey"]], Sequence[WorkloadProfile | None]]


def extract(dataset: TraceDataset, state: Path) -> TraceDataset:
    """The dataset, with each vector and profile checked against the feature store of a state directory.

    Raises:
        DataError: the store lacks a vector or a profile, or has another vector than a trace carries; or a profile is
            younger than a row that names it.
        StoreError: the store can't be opened.
        ContractError: its history breaks the contracts.
    """
    from feature_repo.history import vectors_as_of  # noqa: PLC0415
    from feature_repo.profiles import profiles_as_of  # noqa: PLC0415
    from feature_repo.store import open_store  # noqa: PLC0415

    store = open_store(state)
    extracted(dataset, lambda keys: vectors_as_of(store, keys))
    refuse_unknown_profiles(dataset.profiles, lambda keys: profiles_as_of(store, keys))
    return dataset


def refuse_unknown_profiles(profiles: Sequence[WorkloadProfile], profiles_as_of: ProfilesAsOf) -> None:
    """Ask for each profile as of when it was last seen, by a join that is handed in.

    Raises:
        DataError: another comes back, or none.
    """
    from feature_repo.profiles import ProfileKey  # noqa: PLC0415

    keys = [ProfileKey(profile.key, _known_since_ns(profile)) for profile in profiles]
    unknown = [one.key for one, known in zip(profiles, profiles_as_of(keys), strict=True) if one != known]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(profiles)} profiles are refused ({', '.join(unknown[:_SHOWN])}): the feature "
            "store does not know them: take the profiles in before training on them; a campaign that is run again "
            "writes what is not there"
        )


def extracted(dataset: TraceDataset, vectors_as_of: VectorsAsOf) -> TraceDataset:
    """The dataset, with each vector checked by a join that is handed in.

    Raises:
        DataError: as ``checked``.
    """
    for _ in checked(dataset.traces, profiles=dataset.profiles_by_digest, vectors_as_of=vectors_as_of):
        pass
    return dataset


def checked(
    traces: Iterable[LabelledTrace], *, profiles: Mapping[str, WorkloadProfile], vectors_as_of: VectorsAsOf
) -> Iterator[LabelledTrace]:
    """Traces one by one, checked some at a time: memory is that of ``ROWS_A_JOIN`` rows, however many there are.

    Args:
        traces: the rows.
        profiles: those that they name, by digest.
        vectors_as_of: the join.

    Raises:
        DataError: the join has no vector or another one than a trace carries, or a profile is younger than the row. It
            says how many are refused of those that were looked at by then.
    """
    known_since_ns = {digest: _known_since_ns(profile) for digest, profile in profiles.items()}
    remaining, first = iter(traces), 0
    while rows := tuple(islice(remaining, ROWS_A_JOIN)):
        _Rows(traces=rows, first=first, vectors_as_of=vectors_as_of).check(known_since_ns)
        yield from rows
        first += len(rows)


def check_together(
    traces: Sequence[LabelledTrace],
    *,
    first: int,
    profiles: Mapping[str, WorkloadProfile],
    vectors_as_of: VectorsAsOf,
) -> None:
    """Check some rows by one join: a partition of a dataset.

    Args:
        traces: the rows.
        first: the number of the first of them among all, for what is said of them.
        profiles: those that they name, by digest.
        vectors_as_of: the join.

    Raises:
        DataError: as ``checked``.
    """
    known_since_ns = {digest: _known_since_ns(profile) for digest, profile in profiles.items()}
    _Rows(traces=traces, first=first, vectors_as_of=vectors_as_of).check(known_since_ns)


class _Question(NamedTuple):
    """One vector of one row."""

    part: str
    place: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Rows that are checked together.

    Attributes:
        traces: the rows; a place is an index of them.
        first: the number of the first among all.
        vectors_as_of: the join.
    """

    traces: Sequence[LabelledTrace]
    first: int
    vectors_as_of: VectorsAsOf

    def check(self, known_since_ns: Mapping[str, int]) -> None:
        """Refuse them if one is not what was known at its time.

        Args:
            known_since_ns: when each profile was, by digest.
        """
        ends_ns = self._ends_before_arrivals()
        younger = {
            question: end
            for question, end in ends_ns.items()
            if any(known_since_ns[party.profile] > end for party in _parties(self.traces[question.place]))
        }
        self._refuse(younger, _YOUNGER)

    def _ends_before_arrivals(self) -> dict[_Question, int]:
        """Compare all vectors; and when the window before each arrival had ended, UTC nanoseconds since 1970.

        That window is the one before the row's own, or a few further back: windows differ in length, and have gaps.
        """
        asked_ns = {_Question(BEFORE, place): trace.window_start_ns for place, trace in enumerate(self.traces)}
        asked_ns |= {
            _Question(DURING, place): trace.window_start_ns + trace.window_length_ns
            for place, trace in enumerate(self.traces)
        }
        ends_ns: dict[_Question, int] = {}
        for reason in (_UNKNOWN, *[_FOREIGN] * SETTLING_WINDOWS):
            if not asked_ns:
                break
            known = self._known(asked_ns)
            self._refuse({each: asked_ns[each] for each, vector in known.items() if vector is None}, reason)
            found = {each: vector for each, vector in known.items() if vector is not None}
            others = {each: vector for each, vector in found.items() if not self._carries(each, vector)}
            self._refuse({each: asked_ns[each] for each in others if each.part == DURING}, _FOREIGN)
            ends_ns |= {
                each: vector.window_end_ns
                for each, vector in found.items()
                if each.part == BEFORE and each not in others
            }
            asked_ns = {each: vector.window_start_ns for each, vector in others.items()}
        self._refuse(asked_ns, _FOREIGN)
        return ends_ns

    def _carries(self, question: _Question, vector: FeatureVector) -> bool:
        trace = self.traces[question.place]
        carried = trace.before_values if question.part == BEFORE else trace.during_values
        return np.array_equal(vector.values, carried, equal_nan=True)

    def _known(self, asked_ns: Mapping[_Question, int]) -> dict[_Question, FeatureVector | None]:
        """What was known of each row's domain at a time; what several ask is asked once."""
        from feature_repo.history import VectorKey  # noqa: PLC0415

        keys = {
            each: VectorKey(node=self.traces[each.place].node, domain=self.traces[each.place].domain, at_ns=at_ns)
            for each, at_ns in asked_ns.items()
        }
        distinct = list(dict.fromkeys(keys.values()))
        answers = dict(zip(distinct, self.vectors_as_of(distinct), strict=True))
        return {each: answers[key] for each, key in keys.items()}

    def _refuse(self, asked_ns: Mapping[_Question, int], reason: str) -> None:
        if not asked_ns:
            return
        rows = {each.place for each in asked_ns}
        shown = "; ".join(self._described(each, at_ns) for each, at_ns in islice(asked_ns.items(), _SHOWN))
        looked_at = self.first + len(self.traces)
        raise DataError(f"{len(rows)} of {looked_at} traces are refused ({shown}): {reason}")

    def _described(self, question: _Question, at_ns: int) -> str:
        trace = self.traces[question.place]
        return f"row {self.first + question.place}, {question.part} on {trace.node}/{trace.domain} as of {at_ns}"


def _parties(trace: LabelledTrace) -> Iterator[Party]:
    yield trace.victim
    yield from trace.co_runners


def _known_since_ns(profile: WorkloadProfile) -> int:
    return (profile.last_seen - _EPOCH) // timedelta(microseconds=1) * 1000
