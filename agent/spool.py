"""Vectors that wait for ingest: in order, on disk, bounded, and there again after the agent was killed.

They are one queue: those on disk, and behind them those that could not be written and are held in memory. ``take``
hands out its head, ``acknowledge`` ends its wait, ``put_back`` undoes the rest of a take.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from agent.errors import AgentError
from agent.spool_files import SpoolFiles, StoredVector
from agent.troubles import Troubles

LIMIT_BYTES = 64 << 20
"""A node with two domains makes about one kilobyte in ten seconds: a week of them."""
HELD_LIMIT_BYTES = 2 << 20
SMALLEST_LIMIT_BYTES = 1 << 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFigures:
    """What waits, and what was lost since the start.

    Attributes:
        waiting: vectors that are not delivered, those in memory among them.
        waiting_bytes: what they take, on disk and in memory.
        held: those of them that are in memory only.
        dropped: vectors that found no room, on disk or in memory.
        damaged: vectors on disk that can't be read any more.
    """

    waiting: int = 0
    waiting_bytes: int = 0
    held: int = 0
    dropped: int = 0
    damaged: int = 0


class Spool:
    """A bounded queue of vectors in a directory of its own.

    One thread appends, one takes; any thread may look at the figures. Nothing raises for what is on disk: what can't be
    read is passed over and counted, a spool of another version is set aside. While the directory can't be used vectors
    are held in memory, and it is tried again with each append.

    Args:
        directory: made where it is not there; used by one agent at a time.
        troubles: hears what is amiss.
        limit_bytes: of the files together; beyond it the oldest goes.
        held_limit_bytes: of what is held in memory while the disk can't be written.

    Raises:
        AgentError: a limit is too small to hold anything.
    """

    def __init__(
        self,
        directory: Path,
        *,
        troubles: Troubles,
        limit_bytes: int = LIMIT_BYTES,
        held_limit_bytes: int = HELD_LIMIT_BYTES,
    ) -> None:
        smaller = min(limit_bytes, held_limit_bytes)
        if smaller < SMALLEST_LIMIT_BYTES:
            raise AgentError(f"a spool of {smaller} bytes holds nothing: say {SMALLEST_LIMIT_BYTES} at least")
        self._directory = directory
        self._troubles = troubles
        self._limit_bytes = limit_bytes
        self._held_limit_bytes = min(held_limit_bytes, limit_bytes)
        self._files = SpoolFiles(directory, limit_bytes=limit_bytes)
        self._mutex = Lock()
        self._is_closed = False
        self._held: deque[bytes] = deque()
        self._taken: deque[StoredVector] = deque()
        self._taken_held: deque[bytes] = deque()
        self._held_dropped = 0
        self._told: tuple[int, int, Path | None] = (0, 0, None)
        with self._mutex:
            self._store_held()
            self._tell_losses()

    def append(self, payloads: Sequence[bytes]) -> bool:
        """Put vectors at the end; whether all are on disk, so that no crash loses them.

        Args:
            payloads: vectors as JSON, in ASCII.
        """
        with self._mutex:
            self._held.extend(payloads)
            if not self._is_closed:
                self._store_held()
            self._bound_held()
            self._tell_losses()
            return not self._held

    def take(self, *, count: int, size_bytes: int) -> tuple[bytes, ...]:
        """The oldest vectors, in order; none where nothing waits. What was taken before is put back.

        Args:
            count: so many at most, above zero.
            size_bytes: of all together at most; a single larger vector is handed out by itself.

        Raises:
            OSError: the disk can't be read now.
        """
        with self._mutex:
            self._put_back()
            self._taken.extend(self._files.read(count=count, size_bytes=size_bytes))
            if not self._taken:
                self._take_held(count=count, size_bytes=size_bytes)
            self._tell_losses()
            return (*(stored.payload for stored in self._taken), *self._taken_held)

    def acknowledge(self, count: int) -> None:
        """The first ``count`` of what was taken are delivered or given up: they are not handed out again."""
        with self._mutex:
            if self._is_closed:
                return
            last = None
            for _ in range(count):
                if self._taken:
                    last = self._taken.popleft()
                else:
                    self._taken_held.popleft()
            if self._waiting == 0:
                self._troubles.clear("spool-full")
            if last is None:
                return
            cursor = self._files.acknowledge(last)
        try:
            self._files.keep_cursor(cursor)
            with self._mutex:
                self._files.remove_delivered()
        except OSError as error:
            self._troubles.tell(
                "spool-cursor-unwritable",
                f"what was delivered can't be noted in {self._directory}: {error.strerror or error}; after a "
                "restart it is sent again, which does no harm: make room there, or make it writable",
            )
        else:
            self._troubles.clear("spool-cursor-unwritable")

    def put_back(self) -> None:
        """What was taken and is not acknowledged is the queue's head again."""
        with self._mutex:
            self._put_back()
            self._tell_losses()

    def close(self) -> None:
        """Write what is held in memory, if it can be, and let go of the directory; a second call does nothing."""
        with self._mutex:
            if not self._is_closed:
                self._put_back()
                self._store_held()
                self._files.close()
                self._is_closed = True

    def figures(self) -> SpoolFigures:
        """What waits and what was lost."""
        with self._mutex:
            in_memory = (*self._held, *self._taken_held, *(stored.payload for stored in self._taken))
            return SpoolFigures(
                waiting=self._waiting,
                waiting_bytes=self._files.waiting_bytes + sum(map(len, in_memory)),
                held=len(self._held) + len(self._taken_held),
                dropped=self._files.dropped + self._held_dropped,
                damaged=self._files.damaged,
            )

    @property
    def _waiting(self) -> int:
        return self._files.waiting + len(self._taken) + len(self._taken_held) + len(self._held)

    def _store_held(self) -> None:
        """Bring what is held to disk, unless a part of it is being sent: what follows would overtake it."""
        try:
            self._files.open()
            if self._held and not self._taken_held:
                self._files.append(self._held)
                self._held.clear()
                self._troubles.clear("spool-unwritable")
        except OSError as error:
            self._troubles.tell(
                "spool-unwritable",
                f"vectors can't be written to {self._directory}: {error.strerror or error}; up to "
                f"{self._held_limit_bytes} bytes are held in memory, which a restart loses: make room there, or make "
                "it writable",
            )

    def _bound_held(self) -> None:
        size_bytes = sum(map(len, self._held))
        while size_bytes > self._held_limit_bytes:
            size_bytes -= len(self._held.popleft())
            self._held_dropped += 1

    def _take_held(self, *, count: int, size_bytes: int) -> None:
        left_bytes = size_bytes
        while self._held and len(self._taken_held) < count:
            left_bytes -= len(self._held[0])
            if self._taken_held and left_bytes < 0:
                return
            self._taken_held.append(self._held.popleft())

    def _put_back(self) -> None:
        if self._is_closed:
            return
        self._held.extendleft(reversed(self._taken_held))
        self._taken_held.clear()
        self._bound_held()
        if self._taken:
            self._files.put_back(self._taken)
            self._taken.clear()

    def _tell_losses(self) -> None:
        """Say each new loss; all but a full spool are said until the agent starts anew."""
        dropped, damaged, set_aside = (
            self._files.dropped + self._held_dropped,
            self._files.damaged,
            self._files.set_aside,
        )
        told_dropped, told_damaged, told_set_aside = self._told
        self._told = dropped, damaged, set_aside
        if dropped > told_dropped:
            self._troubles.tell(
                "spool-full",
                f"{dropped} vectors found no room while they waited for ingest, the oldest first: see why ingest takes "
                f"none, or allow {self._directory} more than {self._limit_bytes} bytes",
            )
        if damaged > told_damaged:
            self._troubles.tell(
                "spool-damaged",
                f"{damaged} vectors in {self._directory} were lost to damaged or deleted files: see to the disk",
            )
        if set_aside != told_set_aside:
            self._troubles.tell(
                "spool-set-aside",
                f"the spool was of another version: it lies in {set_aside} and is not sent; let the release that wrote "
                "it send it, or delete it",
            )
