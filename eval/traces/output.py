"""A directory of results that is there whole or not at all, and what an import writes into one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from contracts.vector_arrow import to_arrow
from eval.campaign.store import VECTORS_FILE
from eval.traces.errors import DatasetError
from eval.traces.import_table import Imported
from pipelines.dataset import TraceDataset, write_dataset

REFUSED_FILE = "refused.jsonl"


@contextmanager
def finished_directory(path: Path) -> Iterator[Path]:
    """A directory to write into, which gets its name once all is written; on an error nothing is left.

    Raises:
        DatasetError: the name is taken, or nothing can be written there.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DatasetError(f"{path} is there already: name a new or an empty directory")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as unfinished:
            inner = Path(unfinished) / "whole"
            inner.mkdir()
            yield inner
            if path.exists():
                path.rmdir()
            inner.replace(path)
    except OSError as error:
        raise DatasetError(f"{path} can't be written: {error.strerror or error}; name another directory") from error


def write_imported(imported: Imported, directory: Path) -> None:
    """Write vectors and, where there are any, labelled traces with their profiles."""
    pq.write_table(to_arrow(imported.vectors), directory / VECTORS_FILE, compression="zstd")
    if imported.traces:
        write_dataset(TraceDataset(traces=imported.traces, profiles=imported.profiles), directory)
