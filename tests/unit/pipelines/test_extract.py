"""The store has the last word on a row's vectors and profiles."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector, to_json_values
from feature_repo.history import VectorKey
from feature_repo.ingest import Ingest
from feature_repo.profiles import ProfileKey, write_profiles
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.extract import (
    ROWS_A_JOIN,
    SETTLING_WINDOWS,
    VectorsAsOf,
    checked,
    extract,
    extracted,
    refuse_unknown_profiles,
)
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset, vectors_of

NANOSECONDS = 30_000_000_000
"""No window and no gap of these tests is longer."""

windows = st.tuples(st.integers(1, NANOSECONDS), st.just(0) | st.integers(0, NANOSECONDS))
"""Length of a window, and of the gap after it."""


def join_over(vectors: Sequence[FeatureVector]) -> VectorsAsOf:
    """The join's own definition: the last window that had ended."""

    def as_of(keys: Sequence[VectorKey]) -> list[FeatureVector | None]:
        return [
            max(
                (
                    vector
                    for vector in vectors
                    if (vector.node, vector.domain) == (key.node, key.domain) and vector.window_end_ns <= key.at_ns
                ),
                key=lambda vector: vector.window_end_ns,
                default=None,
            )
            for key in keys
        ]

    return as_of


def series(shape: Sequence[tuple[int, int]], like: LabelledTrace) -> list[FeatureVector]:
    """Windows of a row's domain, one after the other, the first long before the row; no two say the same."""
    vectors, start_ns = [], like.window_start_ns
    for number, (length_ns, gap_ns) in enumerate(shape):
        values = np.full(len(FEATURE_SCHEMA_V1), np.nan, np.float32)
        values[0] = number / 64
        vectors.append(
            FeatureVector(
                node=like.node, domain=like.domain, window_start_ns=start_ns, window_length_ns=length_ns, values=values
            )
        )
        start_ns += length_ns + gap_ns
    return vectors


def row_over(before: FeatureVector, during: FeatureVector, like: LabelledTrace) -> LabelledTrace:
    return like.model_copy(
        update={
            "window_start_ns": during.window_start_ns,
            "window_length_ns": during.window_length_ns,
            "before": tuple(to_json_values(before.values)),
            "during": tuple(to_json_values(during.values)),
        }
    )


SMALL = synthetic_dataset(groups=2, mixes=1)


def lone(trace: LabelledTrace) -> TraceDataset:
    return TraceDataset(traces=(trace,), profiles=SMALL.profiles)


def test_rows_that_the_store_agrees_with_are_taken(dataset: TraceDataset) -> None:
    assert extracted(dataset, join_over(vectors_of(dataset))) is dataset


@given(
    shape=st.lists(windows, min_size=2 + SETTLING_WINDOWS, max_size=8),
    settled=st.integers(0, SETTLING_WINDOWS),
    data=st.data(),
)
def test_the_window_before_the_arrival_is_found_however_long_windows_and_gaps_are(
    shape: list[tuple[int, int]], settled: int, data: st.DataObject
) -> None:
    vectors = series(shape, SMALL.traces[0])
    place = data.draw(st.integers(0, len(vectors) - 2 - settled))
    row = row_over(vectors[place], vectors[place + 1 + settled], SMALL.traces[0])
    assert extracted(lone(row), join_over(vectors)).traces == (row,)


@given(shape=st.lists(windows, min_size=3 + SETTLING_WINDOWS, max_size=8), data=st.data())
def test_a_window_from_further_back_or_from_after_is_refused(shape: list[tuple[int, int]], data: st.DataObject) -> None:
    vectors = series(shape, SMALL.traces[0])
    during = data.draw(st.integers(2 + SETTLING_WINDOWS, len(vectors) - 1))
    reachable = range(during - 1 - SETTLING_WINDOWS, during)
    before = data.draw(st.sampled_from([place for place in range(len(vectors)) if place not in reachable]))
    with pytest.raises(DataError, match=r"row 0, before .*not of one run$"):
        extracted(lone(row_over(vectors[before], vectors[during], SMALL.traces[0])), join_over(vectors))


def test_rows_that_the_store_does_not_know_are_counted_and_named(dataset: TraceDataset) -> None:
    with pytest.raises(
        DataError, match=r"^243 of 243 traces are refused \(row 0, before on node-0/socket0 as of \d+; "
    ):
        extracted(dataset, join_over([]))


@pytest.mark.parametrize("part", ["before", "during"])
def test_a_row_that_the_store_disagrees_with_is_refused(part: str, dataset: TraceDataset) -> None:
    first, *rest = dataset.traces
    other = first.model_copy(update={part: (0.123, *getattr(first, part)[1:])})
    foreign = TraceDataset(traces=(other, *rest), profiles=dataset.profiles)
    with pytest.raises(DataError, match=rf"^1 of 243 traces are refused \(row 0, {part} .*not of one run$"):
        extracted(foreign, join_over(vectors_of(dataset)))


def seen(profile: WorkloadProfile, last_seen: datetime) -> WorkloadProfile:
    return profile.model_copy(update={"last_seen": last_seen})


@pytest.mark.parametrize("whose", ["victim", "co-runner"])
@pytest.mark.parametrize("settled", range(1 + SETTLING_WINDOWS))
def test_a_profile_from_after_the_window_before_the_arrival_is_never_used(whose: str, settled: int) -> None:
    vectors = series([(10_000_000_000, 0)] * (2 + SETTLING_WINDOWS), SMALL.traces[0])
    row = row_over(vectors[0], vectors[1 + settled], SMALL.traces[0])
    party = row.victim if whose == "victim" else row.co_runners[0]
    named = SMALL.profiles_by_digest[party.profile]
    others = tuple(profile for profile in SMALL.profiles if profile != named)
    end = datetime.fromtimestamp(vectors[0].window_end_ns // 10**9, tz=named.last_seen.tzinfo)

    def with_profile_of(last_seen: datetime) -> TraceDataset:
        profile = seen(named, last_seen)
        same = {"victim": row.victim, "co_runners": row.co_runners}
        if whose == "victim":
            same["victim"] = party.model_copy(update={"profile": profile.digest})
        else:
            same["co_runners"] = (party.model_copy(update={"profile": profile.digest}), *row.co_runners[1:])
        return TraceDataset(traces=(row.model_copy(update=same),), profiles=(profile, *others))

    just_known = with_profile_of(end)
    assert extracted(just_known, join_over(vectors)) is just_known
    with pytest.raises(DataError, match=r"^1 of 1 traces are refused \(row 0, before .*profile workloads before"):
        extracted(with_profile_of(end + timedelta(microseconds=1)), join_over(vectors))


def test_a_profile_that_comes_back_as_another_is_refused() -> None:
    known = {profile.key: profile for profile in SMALL.profiles}

    def as_of(keys: Sequence[ProfileKey]) -> list[WorkloadProfile | None]:
        return [known.get(key.workload) for key in keys]

    refuse_unknown_profiles(SMALL.profiles, as_of)
    first = SMALL.profiles[0]
    known[first.key] = first.model_copy(update={"observations": 7})
    with pytest.raises(DataError, match=rf"^1 of {len(SMALL.profiles)} profiles are refused \({first.key}\)"):
        refuse_unknown_profiles(SMALL.profiles, as_of)


def test_many_rows_are_asked_for_some_at_a_time_and_no_sooner_than_they_are_wanted() -> None:
    vectors = series([(10_000_000_000, 0)] * 2, SMALL.traces[0])
    row = row_over(vectors[0], vectors[1], SMALL.traces[0])
    asked: list[int] = []
    taken = 0

    def rows() -> Iterator[LabelledTrace]:
        nonlocal taken
        for number in range(2 * ROWS_A_JOIN):
            taken += 1
            yield row if number != ROWS_A_JOIN + 5 else row.model_copy(update={"before": row.during})

    def as_of(keys: Sequence[VectorKey]) -> Sequence[FeatureVector | None]:
        asked.append(len(keys))
        return join_over(vectors)(keys)

    streamed = checked(rows(), profiles=SMALL.profiles_by_digest, vectors_as_of=as_of)
    assert len(list(islice(streamed, ROWS_A_JOIN))) == taken == ROWS_A_JOIN
    with pytest.raises(DataError, match=rf"^1 of {2 * ROWS_A_JOIN} traces are refused \(row {ROWS_A_JOIN + 5}, "):
        list(streamed)
    assert max(asked) == 2  # all rows ask the same two questions


@pytest.mark.slow
def test_vectors_and_profiles_come_from_feast(dataset: TraceDataset, tmp_path: Path) -> None:
    vectors = vectors_of(dataset)
    with pytest.raises(DataError, match="take the vectors in before training on them"):
        extract(dataset, tmp_path)
    store = open_store(tmp_path)
    report = Ingest(store).accept(vectors)
    assert report.written == len(vectors)
    with pytest.raises(DataError, match=r"^27 of 27 profiles are refused .* take the profiles in before training"):
        extract(dataset, tmp_path)
    newer = dataset.profiles[0].model_copy(update={"observations": 9})
    later = seen(newer, newer.last_seen + timedelta(days=300))
    write_profiles(store, [*dataset.profiles, later])
    assert extract(dataset, tmp_path) is dataset
