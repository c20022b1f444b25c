"""Small files of history merged into large ones, sorted, while senders write and joins read.

A write leaves a file for each hour that its windows start in, some 10 KiB whatever it holds, and a join opens them all.
So the files of an hour are merged: the running hour's when they are many, a past hour's until few are left. Rows are
sorted by node, domain and window, so that the search for a repeat reads one row group of a large file.

A directory is exchanged whole. The merged file is written into a directory beside history; under the store's lock the
files that came meanwhile are linked into it; then the two directories change places (``exchange``), and the old one is
deleted. Whoever lists the hour sees the old files or the new one. Killed at any point, history has either, and what is
left lies in ``incoming/``, where the next pass clears it away.

A reader that listed the old files and then opens them finds them gone and fails, loudly. It holds the readers' lock
together with other readers (``lock.shared`` on ``readers_lock``), and the exchange waits for it.
"""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.damaged import set_aside
from feature_repo.exchange import exchange
from feature_repo.lock import exclusive
from feature_repo.partitions import HOUR_NS, DamagedFileError, count_rows, files_in, new_name, read_whole, sync
from feature_repo.store import Store

LATE_NS = 600 * 1_000_000_000
"""An hour is past so long after its end: by then most of its windows have come."""
MANY = 60
"""Files of the running hour that are worth a merge: those of six seconds and more."""
SMALL_ROWS = 16_384
"""A file of the running hour that has more waits for the hour to pass. So a row is rewritten twice, mostly."""
LARGE_ROWS = 131_072
"""A file that has as many is not merged any further."""
MOST_ROWS = 262_144
"""Of files that go into one: 50 MiB in memory, and as much again while they are sorted."""
ROW_GROUP = 16_384
"""Rows that a search for a repeat reads together."""

T = TypeVar("T")

_ORDER = [("node", "ascending"), ("domain", "ascending"), ("window_start_ns", "ascending")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionReport:
    """What one pass did.

    Attributes:
        merged: files that are no more.
        made: files that hold their rows.
        damaged: files that were set aside.
    """

    merged: int = 0
    made: int = 0
    damaged: int = 0

    def __add__(self, other: "CompactionReport") -> "CompactionReport":
        return CompactionReport(
            merged=self.merged + other.merged, made=self.made + other.made, damaged=self.damaged + other.damaged
        )


@dataclass(frozen=True, slots=True)
class CountedFile:
    """A file of history and how many rows it has."""

    path: Path
    rows: int


def readers_lock(store: Store) -> Path:
    """Held shared while history's files are listed and read, exclusively while they change places."""
    return store.directory / ".readers"


def housekeeping_lock(store: Store) -> Path:
    """Held while files are merged or deleted: what lies in ``incoming/`` and is no writer's draft is its holder's."""
    return store.directory / ".housekeeping"


class Compaction:
    """Merges a store's files, pass by pass; past hours in which nothing has changed since are not looked into."""

    def __init__(self, store: Store, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Merge the files of one store.

        Args:
            now_ns: UTC nanoseconds since 1970.
        """
        self._store = store
        self._now_ns = now_ns
        self._settled: dict[Path, int] = {}

    def run(self, *, stop: Callable[[], bool] = lambda: False) -> CompactionReport:
        """One pass over all of history. One at a time: a second process waits, and finds little to do.

        Args:
            stop: asked between two merges.

        Raises:
            NoExchangeError: the file system can't exchange directories.
            OSError: a file can't be written; nothing is lost, and each hour is as it was or merged.
        """
        report = CompactionReport()
        with exclusive(housekeeping_lock(self._store)):
            clear_incoming(self._store)
            for hour in sorted(self._store.history.glob("date=*/hour=*")):
                if stop():
                    break
                report += self._look_into(hour, stop)
        return report

    def _look_into(self, hour: Path, stop: Callable[[], bool]) -> CompactionReport:
        is_past, changed_ns = _is_past(hour, self._now_ns()), hour.stat().st_mtime_ns
        if is_past and self._settled.get(hour) == changed_ns:
            return CompactionReport()
        files, damaged = _counted(self._store, hour)
        report = CompactionReport(damaged=damaged)
        for group in to_merge(files, is_past=is_past):
            if stop():
                return report
            report += _merge(self._store, hour, [file.path for file in group])
        if is_past and report == CompactionReport():
            self._settled[hour] = changed_ns
        return report


def clear_incoming(store: Store) -> None:
    """Delete what a killed process left; under the lock of housekeeping."""
    with exclusive(store.lock):
        for left in store.incoming.glob("*"):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def to_merge(files: Sequence[CountedFile], *, is_past: bool) -> Iterator[list[CountedFile]]:
    """Which files of an hour become one; none where it is not worth it.

    Of a past hour all that are not large yet, but for one that is larger than all smaller ones together: a late vector
    does not have a large file rewritten.
    """
    limit, enough = (LARGE_ROWS, 2) if is_past else (SMALL_ROWS, MANY)
    candidates = sorted((file for file in files if file.rows < limit), key=lambda file: file.rows)
    while len(candidates) > 1 and candidates[-1].rows > sum(file.rows for file in candidates[:-1]):
        del candidates[-1]
    group: list[CountedFile] = []
    rows = 0
    for file in candidates if len(candidates) >= enough else ():
        if rows + file.rows > MOST_ROWS:
            yield group
            group, rows = [], 0
        group.append(file)
        rows += file.rows
    if len(group) > 1:
        yield group


def _is_past(hour: Path, now_ns: int) -> bool:
    start = datetime.strptime(f"{hour.parent.name} {hour.name}", "date=%Y-%m-%d hour=%H").replace(tzinfo=UTC)
    return now_ns >= int(start.timestamp()) * 1_000_000_000 + HOUR_NS + LATE_NS


def _counted(store: Store, hour: Path) -> tuple[list[CountedFile], int]:
    """An hour's files, and how many more could not be read and were set aside."""
    counted, damaged = _readable(store, files_in(hour), count_rows)
    return [CountedFile(file, rows) for file, rows in counted.items()], damaged


def _readable(store: Store, files: Sequence[Path], read: Callable[[Path], T]) -> tuple[dict[Path, T], int]:
    """What each file gives, and how many could not be read and were set aside."""
    found: dict[Path, T] = {}
    damaged = 0
    for file in files:
        try:
            found[file] = read(file)
        except DamagedFileError as error:
            damaged += 1
            with exclusive(readers_lock(store)), exclusive(store.lock):
                set_aside(store, file, str(error))
    return found, damaged


def _merge(store: Store, hour: Path, files: Sequence[Path]) -> CompactionReport:
    tables, damaged = _readable(store, files, read_whole)
    if len(tables) < 2:
        return CompactionReport(damaged=damaged)
    successor = store.incoming / uuid.uuid4().hex
    successor.mkdir(parents=True)
    merged = successor / new_name()
    rows = pa.concat_tables(tables.values(), promote_options="default").sort_by(_ORDER)
    pq.write_table(rows, merged, compression="zstd", row_group_size=ROW_GROUP, write_page_checksum=True)
    sync(merged)
    is_done = _take_place(store, hour, successor, without=frozenset(tables))
    shutil.rmtree(successor)
    return CompactionReport(merged=len(tables) if is_done else 0, made=int(is_done), damaged=damaged)


def _take_place(store: Store, hour: Path, successor: Path, *, without: frozenset[Path]) -> bool:
    """Put ``successor`` in the hour's place, with all files but those that went into it.

    Returns:
        Whether that was done. It is not where one of them is gone, deleted or set aside, or where there is something
        that can't be linked.
    """
    with exclusive(readers_lock(store)), exclusive(store.lock):
        present = frozenset(hour.iterdir()) if hour.is_dir() else frozenset[Path]()
        if not without <= present or not all(entry.is_file() for entry in present):
            return False
        for file in present - without:
            os.link(file, successor / file.name)
        sync(successor)
        exchange(hour, successor)
    return True
