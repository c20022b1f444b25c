"""How vectors stand in the spool's files: numbered records that are found whatever became of their neighbours.

    00000000000000000042.segment     named after its first record's sequence number
    header   8 bytes of magic; version, u32; CRC-32 of the twelve bytes before
    record   4 bytes of mark; sequence number, u64; the payload's length, u32; CRC-32 over both and the payload; payload

All numbers are little-endian. The mark's bytes are in no ASCII text, and so in no vector's JSON: where a record is
damaged, reading goes on at the next mark. A later version keeps the files' suffix and the header's form, so that this
one sees that they are not its own.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

VERSION = 1
SUFFIX = ".segment"

_MAGIC = b"LEEWARD\xf5"
_VERSION = struct.Struct("<8sI")
_CHECKSUM = struct.Struct("<I")
_MARK = b"\xf5\xa7\xf3\x9d"
_NUMBER_AND_LENGTH = struct.Struct("<QI")
_OVERHEAD = len(_MARK) + _NUMBER_AND_LENGTH.size + _CHECKSUM.size
_LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One vector in a segment.

    Attributes:
        sequence: its number; those of later records are larger.
        payload: the vector as JSON.
        start, end: where its bytes begin and end.
    """

    sequence: int
    payload: bytes
    start: int
    end: int


def header(version: int = VERSION) -> bytes:
    """A segment's first bytes."""
    content = _VERSION.pack(_MAGIC, version)
    return content + _CHECKSUM.pack(crc32(content))


HEADER_BYTES = len(header())


def version_of(content: bytes) -> int | None:
    """The version that a segment's first bytes name; ``None`` where they are torn or damaged."""
    if len(content) < HEADER_BYTES:
        return None
    magic, version = _VERSION.unpack_from(content)
    return int(version) if content[:HEADER_BYTES] == header(version) and magic == _MAGIC else None


def record_of(sequence: int, payload: bytes) -> bytes:
    """A record's bytes."""
    head = _NUMBER_AND_LENGTH.pack(sequence, len(payload))
    return b"".join((_MARK, head, _CHECKSUM.pack(_checksum(head, payload)), payload))


def records_in(content: bytes, *, start: int = 0) -> Iterator[Record]:
    """Every whole record of a segment from ``start`` on; what lies between them is passed over.

    >>> content = header() + record_of(7, b"{}") + b"damage" + record_of(8, b"[]") + b"torn"
    >>> [(record.sequence, record.payload) for record in records_in(content)]
    [(7, b'{}'), (8, b'[]')]
    """
    position = content.find(_MARK, start)
    while position >= 0:
        record = _record_at(content, position)
        if record is not None:
            yield record
        position = content.find(_MARK, record.end if record is not None else position + 1)


def is_cut_short(rest: bytes) -> bool:
    """Whether what lies after the last whole record is the beginning of another, as an append that was cut leaves it.

    Nothing, and zeros where a file system had not yet written the data of a file that it had lengthened, are that too.
    """
    if not rest.strip(b"\0"):
        return True
    if not _MARK.startswith(rest[: len(_MARK)]):
        return False
    if len(rest) < _OVERHEAD:
        return True
    _, length = _NUMBER_AND_LENGTH.unpack_from(rest, len(_MARK))
    return len(rest) < _OVERHEAD + int(length)


def path_of(directory: Path, first: int) -> Path:
    """The segment whose first record has that number."""
    return directory / f"{first:020d}{SUFFIX}"


def first_of(path: Path) -> int | None:
    """The number that a segment is named after; ``None`` where the file is no segment."""
    name = path.name.removesuffix(SUFFIX)
    lawful = path.suffix == SUFFIX and len(name) == 20 and name.isascii() and name.isdecimal()
    return int(name) if lawful and int(name) <= _LARGEST_NUMBER else None


def _checksum(head: bytes, payload: bytes) -> int:
    return crc32(payload, crc32(head))


def _record_at(content: bytes, position: int) -> Record | None:
    start = position + _OVERHEAD
    if start > len(content):
        return None
    head = content[position + len(_MARK) : start - _CHECKSUM.size]
    sequence, length = _NUMBER_AND_LENGTH.unpack(head)
    (checksum,) = _CHECKSUM.unpack_from(content, start - _CHECKSUM.size)
    payload = content[start : start + length]
    if len(payload) < length or _checksum(head, payload) != checksum:
        return None
    return Record(sequence=sequence, payload=payload, start=position, end=start + length)


class SegmentWriter:
    """Appends records to one segment: when ``append`` returns they are on disk, when it raises none of them counts.

    Args:
        path: made where it is not there.
        size: how many of its bytes count; the rest is cut off.

    Raises:
        OSError: it can't be written.
    """

    def __init__(self, path: Path, *, size: int) -> None:
        self._path = path
        self._size = size
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            self.close()
            raise

    @property
    def is_deleted(self) -> bool:
        """Whether somebody deleted the file: what is appended goes nowhere."""
        return is_deleted(self._descriptor)

    def append(self, records: bytes) -> int:
        """Write records at the end, behind a header where the segment is empty; the segment's size.

        Raises:
            OSError: they can't be written, or not all of them. The file is as before; where even that can't be had,
                what was written of them stays behind the records that count.
        """
        content = records if self._size else header() + records
        try:
            self._write(content)
            os.fdatasync(self._descriptor)
            if not self._size:
                flush_directory(self._path.parent)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(content)
        return self._size

    def close(self) -> None:
        """Close the file; not to be used afterwards."""
        os.close(self._descriptor)

    def _write(self, content: bytes) -> None:
        view, position = memoryview(content), self._size
        while view:
            written = os.pwrite(self._descriptor, view, position)
            view, position = view[written:], position + written


def is_deleted(descriptor: int) -> bool:
    """Whether the open file has no name any more."""
    return os.fstat(descriptor).st_nlink == 0


def flush_directory(directory: Path) -> None:
    """Have the directory's entries on disk.

    Raises:
        OSError: that can't be had.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
