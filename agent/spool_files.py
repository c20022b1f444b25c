"""The vectors on disk: a bounded queue of numbered records in segments. Not for several threads at once."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

from agent.spool_directory import Segment, open_directory, write_cursor
from agent.spool_segment import SegmentWriter, is_deleted, path_of, record_of, records_in

_SEGMENTS = 16
_LONGEST_SEGMENT_BYTES = 4 << 20
"""A segment is read at once, and goes at once where there is no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVector:
    """A vector that was read: its number, and where its record begins in its segment."""

    payload: bytes
    sequence: int
    start: int


class SpoolFiles:
    """A queue in a directory, which is opened with the first use that it can be opened for.

    Numbers rise by one with each vector, over all restarts. So a number that is missing tells of a vector that can't be
    read any more, and how far ingest has come is one number, the cursor.

    Args:
        directory: made where it is not there; used by one agent at a time.
        limit_bytes: of the segments together; beyond it the oldest goes.

    Attributes:
        dropped: vectors that were not delivered when their segment went.
        damaged: vectors that can't be read any more.
        set_aside: where a spool of another version was put, if there was one.
    """

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        self.dropped = 0
        self.damaged = 0
        self.set_aside: Path | None = None
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._segment_bytes = min(limit_bytes // _SEGMENTS, _LONGEST_SEGMENT_BYTES)
        self._lock: BufferedWriter | None = None
        self._writer: SegmentWriter | None = None
        self._segments: deque[Segment] = deque()
        self._cursor = 0
        self._unread = 0
        self._examined = 0
        self._next = 0

    @property
    def waiting(self) -> int:
        """Vectors that are not read; those that were damaged since count until they are come upon."""
        return self._next - self._unread

    @property
    def waiting_bytes(self) -> int:
        """Of the files from the first of them on."""
        return sum(segment.size - segment.read_bytes for segment, end in self._with_ends() if self._unread < end)

    def open(self) -> None:
        """Take over the directory, if it is not this queue's already, or no longer since somebody deleted it.

        Raises:
            OSError: it can't be used.
        """
        is_lost = self._writer is not None and self._writer.is_deleted
        if self._lock is not None and (is_lost or is_deleted(self._lock.fileno())):
            self.close()
        if self._lock is None:
            self._take_over()

    def append(self, payloads: Sequence[bytes]) -> None:
        """Put vectors at the end; they are on disk when this returns. The oldest segments go where there is no room.

        Raises:
            OSError: they can't be written, and none of them counts.
        """
        self.open()
        records = b"".join(record_of(number, payload) for number, payload in enumerate(payloads, self._next))
        self._make_room(len(records))
        try:
            self._write(records)
        except OSError:
            if not self._remove_all_delivered():
                raise
            self._write(records)
        self._next += len(payloads)

    def read(self, *, count: int, size_bytes: int) -> list[StoredVector]:
        """The oldest that are not read yet, in order, all of one segment; none where there are none.

        Raises:
            OSError: a segment can't be read now.
        """
        for segment, end in self._with_ends():
            if self._unread < end:
                found = self._read_segment(segment, end, count=count, size_bytes=size_bytes)
                if found:
                    return found
                self._skip_to(end)
        return []

    def put_back(self, read: Sequence[StoredVector]) -> None:
        """What was read last, or the last of it, is to be read again; dropped, where it is not on disk any more."""
        first = read[0].sequence
        for segment, end in self._with_ends():
            if segment.first <= first < end:
                self._unread, segment.read_bytes = first, read[0].start
                return
        self.dropped += len(read)

    def acknowledge(self, last: StoredVector) -> int:
        """All up to ``last`` are delivered; the new cursor."""
        self._cursor = max(self._cursor, last.sequence + 1)
        return self._cursor

    def keep_cursor(self, cursor: int) -> None:
        """Have the cursor on disk; the one thing here that may be done beside others.

        Raises:
            OSError: it can't be written.
        """
        write_cursor(self._directory, cursor)

    def remove_delivered(self) -> None:
        """Remove the segments that are delivered.

        Raises:
            OSError: one can't be removed.
        """
        while len(self._segments) > 1 and self._segments[1].first <= self._cursor:
            self._segments[0].path.unlink(missing_ok=True)
            self._segments.popleft()

    def close(self) -> None:
        """Let go of the directory."""
        self._close_writer()
        self._segments.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_over(self) -> None:
        opened = open_directory(self._directory)
        self._lock, self.set_aside = opened.lock, opened.set_aside or self.set_aside
        self._segments.extend(opened.segments)
        self._cursor = max(self._cursor, opened.cursor)
        was_used, self._next = self._next > 0, max(self._next, opened.next_sequence)
        oldest = max(self._cursor, self._segments[0].first if self._segments else self._next)
        self.damaged += max(oldest - self._unread, 0) if was_used else opened.damaged
        self._unread = max(self._unread, oldest)
        self._examined = max(self._examined, self._unread)

    def _make_room(self, need_bytes: int) -> None:
        while self._segments and sum(segment.size for segment in self._segments) + need_bytes > self._limit_bytes:
            oldest, end = next(self._with_ends())
            oldest.path.unlink(missing_ok=True)
            if len(self._segments) == 1:
                self._close_writer()
            self._segments.popleft()
            self.dropped += max(end - max(oldest.first, self._unread), 0)
            self._unread = max(self._unread, end)
            self._examined = max(self._examined, end)

    def _remove_all_delivered(self) -> bool:
        """Have nothing on a full disk that is of no use any more; whether that has made room."""
        if not self._segments or self._cursor < self._next:
            return False
        self._close_writer()
        while self._segments:
            self._segments[0].path.unlink(missing_ok=True)
            self._segments.popleft()
        return True

    def _write(self, records: bytes) -> None:
        segment, writer = self._last_segment(len(records))
        segment.size = writer.append(records)

    def _last_segment(self, need_bytes: int) -> tuple[Segment, SegmentWriter]:
        last = self._segments[-1] if self._segments else None
        if last is None or (last.size and last.size + need_bytes > self._segment_bytes):
            self._close_writer()
            last = Segment(path=path_of(self._directory, self._next), first=self._next, size=0)
            self._segments.append(last)
        if self._writer is None:
            self._writer = SegmentWriter(last.path, size=last.size)
        return last, self._writer

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _with_ends(self) -> Iterator[tuple[Segment, int]]:
        """Each segment with the number that all of its own are smaller than."""
        ends = [segment.first for segment in self._segments][1:]
        return zip(self._segments, [*ends, self._next], strict=False)

    def _read_segment(self, segment: Segment, end: int, *, count: int, size_bytes: int) -> list[StoredVector]:
        found: list[StoredVector] = []
        before, left_bytes = segment.read_bytes, size_bytes
        for record in records_in(segment.content()):
            if not self._unread <= record.sequence < end:
                continue
            left_bytes -= len(record.payload)
            if len(found) == count or (found and left_bytes < 0):
                break
            self._skip_to(record.sequence)
            self._unread = record.sequence + 1
            self._examined = max(self._examined, self._unread)
            segment.read_bytes = before + record.end
            found.append(StoredVector(payload=record.payload, sequence=record.sequence, start=before + record.start))
        return found

    def _skip_to(self, sequence: int) -> None:
        """What lies before is damaged; it is counted once, however often it is passed over."""
        self.damaged += max(sequence - max(self._unread, self._examined), 0)
        self._unread = sequence
        self._examined = max(self._examined, sequence)
