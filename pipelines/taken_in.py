"""Campaigns into the feature store: vectors, profiles and labels, each left out where the store has it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from contracts.vector import FeatureVector
from contracts.vector_arrow import from_arrow
from pipelines.dataset import PARTS, VECTORS_FOLDER, read_dataset
from pipelines.errors import DataError

if TYPE_CHECKING:
    from feature_repo.ingest import Ingest

VECTORS = f"campaign=*/{VECTORS_FOLDER}/{PARTS}"
"""Where campaigns leave the vectors of all their windows, below a directory of traces."""

_AT_ONCE = 5_000
"""Documents that are written together."""


def take_in(traces: Path, state: Path) -> dict[str, int]:
    """Write all campaigns of a directory into the feature store of a state directory.

    Of campaigns that left no vectors beside their traces, agents have sent them. Doing it again is safe.

    Returns:
        How many vectors, profiles and labels were new.

    Raises:
        DataError: the dataset can't be read, or the store refused a vector.
        FeatureRepositoryError: the store can't be opened.
        ContractError: the store has another profile or label of the same key and time.
    """
    from feature_repo.ingest import Ingest  # noqa: PLC0415
    from feature_repo.labels import write_labels  # noqa: PLC0415
    from feature_repo.profiles import write_profiles  # noqa: PLC0415
    from feature_repo.store import open_store  # noqa: PLC0415

    dataset = read_dataset(traces)
    store = open_store(state)
    ingest = Ingest(store)
    vectors = sum(_written(ingest, from_arrow(pq.read_table(file))) for file in sorted(traces.glob(VECTORS)))
    profiles = write_profiles(store, dataset.profiles)
    labels = sum(
        write_labels(store, dataset.traces[begin : begin + _AT_ONCE])
        for begin in range(0, len(dataset.traces), _AT_ONCE)
    )
    return {"vectors": vectors, "profiles": profiles, "labels": labels}


def _written(ingest: "Ingest", vectors: tuple[FeatureVector, ...]) -> int:
    written = 0
    for begin in range(0, len(vectors), _AT_ONCE):
        report = ingest.accept(vectors[begin : begin + _AT_ONCE])
        if report.refused:
            raise DataError(f"{len(report.refused)} vectors were refused: {report.refused[0].reason}")
        written += report.written
    return written
