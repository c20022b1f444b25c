"""History on disk: Parquet files in one directory an hour, each written once and whole, none ever rewritten.

    history/date=2026-03-01/hour=14/<random>.parquet

The hour is that of the window's start, so that a window's key alone says where to look for it. A file is written to
``incoming/``, synced, and renamed: a reader sees all of it or nothing, and what a killed writer left is no partition.
"""

import os
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.vector import FeatureVector
from feature_repo.rows import to_rows

WindowKey = tuple[str, str, int]
"""Node, domain, window start in UTC nanoseconds: what makes two vectors the same one."""

_KEY_COLUMNS = ("node", "domain", "window_start_ns")
_DEPTH = 3
"""Directories whose entries a new file may have changed: the hour, the date and history itself."""


def key_of(vector: FeatureVector) -> WindowKey:
    """The vector's key."""
    return (vector.node, vector.domain, vector.window_start_ns)


def partition_of(key: WindowKey) -> Path:
    """Where under ``history`` the window lies, for example ``date=2026-03-01/hour=14``."""
    start = datetime.fromtimestamp(key[2] // 1_000_000_000, tz=UTC)
    return Path(f"date={start:%Y-%m-%d}", f"hour={start:%H}")


def keys_in(partition: Path) -> frozenset[WindowKey]:
    """The keys of all windows in one partition; none where there is no such directory."""
    keys: set[WindowKey] = set()
    for file in partition.glob("*.parquet"):
        table = pq.ParquetFile(file).read(columns=list(_KEY_COLUMNS))
        keys.update(zip(*(table.column(name).to_pylist() for name in _KEY_COLUMNS), strict=True))
    return frozenset(keys)


def append(vectors: Sequence[FeatureVector], *, history: Path, incoming: Path) -> None:
    """Add vectors to history, one new file for each hour that they start in."""
    hours: defaultdict[Path, list[FeatureVector]] = defaultdict(list)
    for vector in vectors:
        hours[partition_of(key_of(vector))].append(vector)
    for hour, within in sorted(hours.items()):
        write_whole(to_rows(within), history / hour / f"{uuid.uuid4().hex}.parquet", incoming=incoming)


def write_whole(table: pa.Table, target: Path, *, incoming: Path) -> None:
    """Write one Parquet file so that it appears at once and survives a power cut from then on."""
    incoming.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = incoming / target.name
    pq.write_table(table, draft)
    _sync(draft)
    draft.replace(target)
    for directory in target.parents[:_DEPTH]:
        _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
