"""History that is too old is deleted, by whole days. Nothing is, unless it is asked for."""

import shutil
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from feature_repo.compaction import housekeeping_lock, readers_lock
from feature_repo.lock import exclusive
from feature_repo.store import Store

_NANOSECONDS = 1_000_000_000


def delete_old(store: Store, *, keep_days: int, now_ns: int | None = None) -> tuple[date, ...]:
    """Delete the days whose last window began more than ``keep_days`` days ago.

    A day disappears from history at once, and is deleted then. What is online stays.

    Args:
        keep_days: full days before today that are kept; 0 keeps today alone.
        now_ns: UTC nanoseconds since 1970; now, if absent.

    Returns:
        The days.

    Raises:
        OSError: a day can't be deleted.
    """
    now = datetime.fromtimestamp((time.time_ns() if now_ns is None else now_ns) // _NANOSECONDS, tz=UTC)
    kept_from = now.date() - timedelta(days=keep_days)
    days = {_day(directory): directory for directory in store.history.glob("date=*")}
    old = tuple(sorted(day for day in days if day < kept_from))
    with exclusive(housekeeping_lock(store)):
        for day in old:
            _delete(store, days[day])
    return old


def _day(directory: Path) -> date:
    return datetime.strptime(directory.name, "date=%Y-%m-%d").replace(tzinfo=UTC).date()


def _delete(store: Store, directory: Path) -> None:
    doomed = store.incoming / uuid.uuid4().hex
    store.incoming.mkdir(exist_ok=True)
    with exclusive(readers_lock(store)), exclusive(store.lock):
        directory.replace(doomed)
    shutil.rmtree(doomed)
