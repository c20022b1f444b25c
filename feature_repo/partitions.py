"""History on disk: Parquet files in one directory an hour, each written once and whole, none ever rewritten.

    history/date=2026-03-01/hour=14/<random>.parquet

The hour is that of the window's start, so that a window's key alone says where to look for it. A file is written to
``incoming/``, synced, and renamed: a reader sees all of it or nothing, and what a killed writer left is no partition.
"""

import os
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WindowKey = tuple[str, str, int]
"""Node, domain, window start in UTC nanoseconds: what makes two vectors the same one."""

HOUR_NS = 3600 * 1_000_000_000

_KEY_COLUMNS = ("node", "domain", "window_start_ns")
_DEPTH = 3
"""Directories whose entries a new file may have changed: the hour, the date and history itself."""


class DamagedFileError(Exception):
    """A file of history can't be read as what was written there."""


def partition_of(start_ns: int) -> Path:
    """Where under ``history`` the window lies, for example ``date=2026-03-01/hour=14``."""
    start = datetime.fromtimestamp(start_ns // 1_000_000_000, tz=UTC)
    return Path(f"date={start:%Y-%m-%d}", f"hour={start:%H}")


def files_in(partition: Path) -> list[Path]:
    """The files of one partition; none where there is no such directory."""
    return sorted(partition.glob("*.parquet"))


def keys_among(
    wanted: Collection[WindowKey], *, history: Path, set_aside: Callable[[Path, str], None]
) -> frozenset[WindowKey]:
    """Those of the wanted windows that are in history.

    Args:
        history: its directory.
        set_aside: is told of each file that can't be read, with what is wrong, and takes it away.
    """
    hours: defaultdict[Path, list[WindowKey]] = defaultdict(list)
    for key in wanted:
        hours[history / partition_of(key[2])].append(key)
    found: set[WindowKey] = set()
    for partition, within in sorted(hours.items()):
        for file in files_in(partition):
            try:
                found.update(_keys_of(file, within))
            except DamagedFileError as error:
                set_aside(file, str(error))
    return frozenset(found.intersection(wanted))


def append(rows: pa.Table, *, history: Path, incoming: Path) -> None:
    """Add rows to history, one new file for each hour that their windows start in."""
    hours = rows.column("window_start_ns").to_numpy() // HOUR_NS
    for hour in np.unique(hours).tolist():
        partition = history / partition_of(hour * HOUR_NS)
        write_whole(rows.filter(pa.array(hours == hour)), partition / new_name(), incoming=incoming)


def new_name() -> str:
    """A file's name that no other has."""
    return f"{uuid.uuid4().hex}.parquet"


def write_whole(table: pa.Table, target: Path, *, incoming: Path) -> None:
    """Write one Parquet file so that it appears at once and survives a power cut from then on."""
    incoming.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = incoming / target.name
    pq.write_table(table, draft, write_page_checksum=True)
    sync(draft)
    draft.replace(target)
    for directory in target.parents[:_DEPTH]:
        sync(directory)


def sync(path: Path) -> None:
    """Have a file, or a directory's entries, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def count_rows(file: Path) -> int:
    """How many rows a file has.

    Raises:
        DamagedFileError, OSError: as ``read_whole``.
    """
    with _damage_told(), pq.ParquetFile(file) as parquet:
        return int(parquet.metadata.num_rows)


def read_whole(file: Path) -> pa.Table:
    """All rows of a file, its pages' checksums compared.

    Raises:
        DamagedFileError: it can't be read.
        OSError: the machine has no memory or no descriptors for it, or it is not there.
    """
    with _damage_told(), pq.ParquetFile(file, page_checksum_verification=True) as parquet:
        return parquet.read(use_threads=False)


@contextmanager
def _damage_told() -> Iterator[None]:
    """Tell damage from what ails the machine. Arrow gives an error number to the machine's complaints alone."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise DamagedFileError(str(error)) from error
    except OSError as error:
        if error.errno not in {None, EIO}:
            raise
        raise DamagedFileError(str(error)) from error


def _keys_of(file: Path, wanted: Iterable[WindowKey]) -> Iterator[WindowKey]:
    """A file's keys with a wanted node and a wanted start; row groups without any of these are not read."""
    nodes, _, starts = (sorted(set(column)) for column in zip(*wanted, strict=True))
    with _damage_told(), pq.ParquetFile(file) as parquet:
        missing = set(_KEY_COLUMNS).difference(parquet.schema_arrow.names)
        if missing:
            raise DamagedFileError(f"it has no column {', '.join(sorted(missing))}")
        groups = [
            group
            for group in range(parquet.num_row_groups)
            if _may_hold(parquet.metadata.row_group(group), nodes=nodes, starts=starts)
        ]
        table = parquet.read_row_groups(groups, columns=list(_KEY_COLUMNS), use_threads=False)
        among = pc.and_(
            pc.is_in(table.column("node"), pa.array(nodes, pa.string())),
            pc.is_in(table.column("window_start_ns"), pa.array(starts, pa.int64())),
        )
        candidates = table.filter(among)
        return zip(*(candidates.column(name).to_pylist() for name in _KEY_COLUMNS), strict=True)


def _may_hold(group: pq.RowGroupMetaData, *, nodes: Sequence[str], starts: Sequence[int]) -> bool:
    statistics = {}
    for index in range(group.num_columns):
        column = group.column(index)
        if column.path_in_schema in _KEY_COLUMNS:
            statistics[column.path_in_schema] = column.statistics
    return all(
        kept is None or not kept.has_min_max or any(kept.min <= one <= kept.max for one in ones)
        for kept, ones in ((statistics["node"], nodes), (statistics["window_start_ns"], starts))
    )
