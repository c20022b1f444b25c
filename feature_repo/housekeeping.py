"""What the endpoint does beside taking vectors: deleting history that is too old, and merging its files."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pyarrow as pa

from feature_repo.compaction import Compaction, CompactionReport
from feature_repo.exchange import NoExchangeError
from feature_repo.retention import delete_old
from feature_repo.store import Store

INTERVAL_SECONDS = 20.0

_LOGGER = logging.getLogger("leeward.ingest")


class Housekeeping:
    """A thread that looks through history three times a minute. What goes wrong is told, and tried again.

    Of a history in Postgres old rows are deleted; it has no files to merge.

    Args:
        store: whose history.
        keep_days: days of history before today that are kept; all, if absent.
        told: hears of each pass.
        interval_seconds: from the end of a pass to the beginning of the next, the first one too.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_days: int | None,
        told: Callable[[CompactionReport], None],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._store = store
        self._compaction = Compaction(store)
        self._keep_days = keep_days
        self._told = told
        self._interval_seconds = interval_seconds
        self._stop = Event()
        self._complaint = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have it done meanwhile; the merge that is under way at the end is finished."""
        thread = Thread(target=self._run, name="housekeeping", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            try:
                self._keep_house()
            except (OSError, NoExchangeError, pa.ArrowException) as error:
                self._complain(str(error))
            else:
                self._complain("")

    def _keep_house(self) -> None:
        if self._keep_days is not None:
            for day in delete_old(self._store, keep_days=self._keep_days, stop=self._stop.is_set):
                _LOGGER.info("history-deleted", extra={"fields": {"day": day.isoformat()}})
        self._told(self._compaction.run(stop=self._stop.is_set))

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            _LOGGER.warning("housekeeping-failing", extra={"fields": {"reason": complaint}})
        elif self._complaint and not complaint:
            _LOGGER.info("housekeeping-works-again")
        self._complaint = complaint
