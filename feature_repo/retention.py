"""History that is too old is deleted, by whole days of UTC. Nothing is, unless it is asked for."""

import shutil
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from feature_repo.compaction import housekeeping_lock, readers_lock
from feature_repo.lock import exclusive
from feature_repo.relation import VECTOR_RELATION, Database
from feature_repo.store import Store

MOST_ROWS = 8192
"""That are deleted from a table at a time: a tenth of a second's work."""

_NANOSECONDS = 1_000_000_000


def delete_old(
    store: Store, *, keep_days: int, now_ns: int | None = None, stop: Callable[[], bool] = lambda: False
) -> tuple[date, ...]:
    """Delete the days that lie more than ``keep_days`` days before today.

    Of partitions a day disappears at once, and is deleted then; a window is of the day on which it began. From a table
    rows are deleted little by little, the oldest first, while senders write; a window is of the day on which it ended.
    What is online stays.

    Args:
        keep_days: full days before today that are kept; 0 keeps today alone.
        now_ns: UTC nanoseconds since 1970; now, if absent.
        stop: asked in between; what is left then is deleted the next time.

    Returns:
        The days of which something was deleted.

    Raises:
        OSError: a day can't be deleted, or Postgres can't be reached.
    """
    now = datetime.fromtimestamp((time.time_ns() if now_ns is None else now_ns) // _NANOSECONDS, tz=UTC)
    kept_from = now.date() - timedelta(days=keep_days)
    if store.database is not None:
        return _delete_rows(store.database, kept_from, stop)
    return _delete_partitions(store, kept_from, stop)


def _delete_rows(database: Database, kept_from: date, stop: Callable[[], bool]) -> tuple[date, ...]:
    before = datetime(kept_from.year, kept_from.month, kept_from.day, tzinfo=UTC)
    deleted: set[date] = set()
    while not stop():
        days = database.delete_before(VECTOR_RELATION, before, most_rows=MOST_ROWS)
        if not days:
            break
        deleted |= days
    return tuple(sorted(deleted))


def _delete_partitions(store: Store, kept_from: date, stop: Callable[[], bool]) -> tuple[date, ...]:
    days = {_day(directory): directory for directory in store.history.glob("date=*")}
    deleted: list[date] = []
    with exclusive(housekeeping_lock(store)):
        for day in sorted(day for day in days if day < kept_from):
            if stop():
                break
            _delete(store, days[day])
            deleted.append(day)
    return tuple(deleted)


def _day(directory: Path) -> date:
    return datetime.strptime(directory.name, "date=%Y-%m-%d").replace(tzinfo=UTC).date()


def _delete(store: Store, directory: Path) -> None:
    doomed = store.incoming / uuid.uuid4().hex
    store.incoming.mkdir(exist_ok=True)
    with exclusive(readers_lock(store)), exclusive(store.lock):
        directory.replace(doomed)
    shutil.rmtree(doomed)
