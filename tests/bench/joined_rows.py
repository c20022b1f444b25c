"""Labelled traces through the point-in-time join as the training asks it; ``feature_store_cost`` starts it by itself.

    python -m tests.bench.joined_rows STATE TRACES

The last line of its output is a ``Stretch`` as JSON.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.traces.rows_together import RowsTogether
from feature_repo.history import vectors_as_of
from feature_repo.store import open_store
from pipelines.dataset import PROFILES_FILE, TRACES_FILE
from pipelines.extract import checked
from tests.bench.own_process import Stretch, imported_mib, peak_mib

_ROWS_AT_ONCE = 4096


def joined(state: Path, directory: Path) -> Stretch:
    """Have every row's two vectors looked up and compared.

    Raises:
        DataError: the store has another vector than a row, or none.
    """
    store = open_store(state)
    lines = (directory / PROFILES_FILE).read_bytes().splitlines()
    profiles = {profile.digest: profile for profile in map(WorkloadProfile.from_json, lines)}
    imported, began = imported_mib(), time.monotonic()
    traces = checked(_traces(directory / TRACES_FILE), profiles=profiles, vectors_as_of=partial(vectors_as_of, store))
    rows = sum(1 for _ in traces)
    seconds = time.monotonic() - began
    return Stretch(rows=rows, seconds=seconds, imported_mib=imported, peak_mib=peak_mib())


def _traces(file: Path) -> Iterator[LabelledTrace]:
    reader = pq.ParquetFile(file, pre_buffer=False)  # what is read ahead would be kept until the file's end
    for batch in reader.iter_batches(batch_size=_ROWS_AT_ONCE):
        rows = RowsTogether(batch)
        for place in range(batch.num_rows):
            yield rows.trace(place)


if __name__ == "__main__":
    print(json.dumps(asdict(joined(Path(sys.argv[1]), Path(sys.argv[2])))))
