"""The spool's directory: whose it is, what an agent before this one left there, and how far its vectors were delivered.

<state>/spool/lock                            held by the one agent that writes here
              cursor                          the first sequence number that is not delivered
              00000000000000000042.segment    see ``spool_segment``
<state>/spool.set-aside/                      the last spool of another version
"""

import errno
import fcntl
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from zlib import crc32

from agent.spool_segment import (
    HEADER_BYTES,
    VERSION,
    Record,
    first_of,
    flush_directory,
    header,
    is_cut_short,
    records_in,
    version_of,
)
from serving.replacement import replace_file

_CURSOR = "cursor"
_UNFINISHED_CURSORS = f".{_CURSOR}.*"
_LOCK = "lock"


@dataclass(slots=True, kw_only=True)
class Segment:
    """A file of records, as far as it counts.

    Attributes:
        path: where it lies.
        first: the number it is named after; its records' are not smaller.
        size: in bytes; what lies behind was never acknowledged.
        read_bytes: no record before is still to be delivered.
    """

    path: Path
    first: int
    size: int
    read_bytes: int = 0

    def content(self) -> bytes:
        """What has not been read; nothing where the file is gone or the disk can't read it.

        Raises:
            OSError: it can't be read now.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.read_bytes)
                return file.read(self.size - self.read_bytes)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EIO}:
                return b""
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDirectory:
    """A spool's directory that is this process's own.

    Attributes:
        lock: file that holds it; closing it gives it free.
        segments: oldest first; the last one ends with its last whole record.
        next_sequence: larger than every number in use.
        cursor: the first number that is not delivered, as far as known.
        damaged: records at the end that were damaged, not just cut short; those in between show when they are read.
        set_aside: where a spool of another version was put.
    """

    lock: BufferedWriter
    segments: Sequence[Segment]
    next_sequence: int
    cursor: int
    damaged: int
    set_aside: Path | None


def open_directory(directory: Path) -> OpenedDirectory:
    """Take a spool's directory over, making what is not there. No content is refused.

    Raises:
        OSError: it can't be made, read or locked.
    """
    set_aside = None
    lock = _locked(directory)
    try:
        if _is_foreign(directory):
            set_aside = _set_aside(directory)
            lock.close()
            lock = _locked(directory)
        for unfinished in directory.glob(_UNFINISHED_CURSORS):
            unfinished.unlink(missing_ok=True)
        cursor = _read_cursor(directory)
        segments = _segments(directory)
        next_sequence, damaged = _end_of(segments[-1]) if segments else (cursor, 0)
    except OSError:
        lock.close()
        raise
    return OpenedDirectory(
        lock=lock,
        segments=segments,
        next_sequence=max(next_sequence, cursor),
        cursor=cursor,
        damaged=damaged,
        set_aside=set_aside,
    )


def write_cursor(directory: Path, sequence: int) -> None:
    """Keep the first number that is not delivered.

    Raises:
        OSError: it can't be written; the one before stays.
    """
    digits = f"{sequence:020d}".encode()
    replace_file(directory / _CURSOR, b"%s %08x\n" % (digits, crc32(digits)))


def _locked(directory: Path) -> BufferedWriter:
    if not directory.is_dir():
        directory.mkdir(parents=True, mode=0o700)
        flush_directory(directory.parent)
    lock = (directory / _LOCK).open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if isinstance(error, BlockingIOError):
            raise BlockingIOError(error.errno, "another agent is using it") from error
        raise
    return lock


def _is_foreign(directory: Path) -> bool:
    return any(_version(segment.path) not in {VERSION, None} for segment in _segments(directory))


def _version(path: Path) -> int | None:
    with path.open("rb") as file:
        return version_of(file.read(HEADER_BYTES))


def _set_aside(directory: Path) -> Path:
    aside = directory.with_name(f"{directory.name}.set-aside")
    if aside.exists():
        shutil.rmtree(aside)
    directory.rename(aside)
    flush_directory(directory.parent)
    return aside


def _segments(directory: Path) -> list[Segment]:
    found = ((path, first_of(path)) for path in directory.iterdir())
    segments = [Segment(path=path, first=first, size=path.stat().st_size) for path, first in found if first is not None]
    return sorted(segments, key=lambda segment: segment.first)


def _read_cursor(directory: Path) -> int:
    """Nothing counts as delivered where the cursor is lost: to send a vector again does no harm."""
    try:
        digits, _, checksum = (directory / _CURSOR).read_bytes().strip().partition(b" ")
    except FileNotFoundError:
        return 0
    return int(digits) if digits.isdigit() and checksum == b"%08x" % crc32(digits) else 0


def _end_of(last: Segment) -> tuple[int, int]:
    """Let the last segment end with its last whole record: the number after it, and how many damaged ones follow."""
    content = last.path.read_bytes()
    final: Record | None = None
    for record in records_in(content):
        final = record
    begun = HEADER_BYTES if content.startswith(header()) else 0
    end = final.end if final is not None else begun
    rest = content[end:]
    damaged = int(not is_cut_short(rest) and not header().startswith(rest))
    last.size = end
    return (max(final.sequence + 1, last.first) if final is not None else last.first), damaged
