"""The store has the last word on a row's vectors."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.vector import FeatureVector
from feature_repo.history import VectorKey
from feature_repo.ingest import Ingest
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.extract import VectorsAsOf, extract, extracted
from tests.unit.pipelines.synthetic_dataset import vectors_of


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


def test_rows_that_the_store_agrees_with_are_taken(dataset: TraceDataset) -> None:
    assert extracted(dataset, join_over(vectors_of(dataset))) is dataset


def test_a_row_measured_some_windows_after_the_arrival_is_taken(dataset: TraceDataset) -> None:
    trace = dataset.traces[0]
    length = trace.window_length_ns
    before, during = vectors_of(TraceDataset(traces=(trace,), profiles=dataset.profiles))
    late = trace.model_copy(update={"window_start_ns": trace.window_start_ns + 2 * length})
    shifted = [
        FeatureVector(
            node=during.node,
            domain=during.domain,
            window_start_ns=during.window_start_ns + windows * length,
            window_length_ns=length,
            values=during.values,
        )
        for windows in (0, 1, 2)
    ]
    lone = TraceDataset(traces=(late,), profiles=dataset.profiles)
    assert extracted(lone, join_over([before, *shifted])) is lone


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


@pytest.mark.slow
def test_vectors_come_from_feast(dataset: TraceDataset, tmp_path: Path) -> None:
    vectors = vectors_of(dataset)
    with pytest.raises(DataError, match="take the vectors in before training on them"):
        extract(dataset, tmp_path)
    report = Ingest(open_store(tmp_path)).accept(vectors)
    assert report.written == len(vectors)
    assert extract(dataset, tmp_path) is dataset
