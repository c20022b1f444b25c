"""Writing a recording: whole lines, files of bounded size, and nothing that a kill at any byte could spoil.

A file is only ever appended to by the session that made it. What a killed session left stays as it is, its torn last
line included, and is compressed by the next one.
"""

import fcntl
import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from eval.replay.errors import RecordingError
from eval.replay.reading import parts_of
from eval.replay.recording import CLOSED, NULL, PART, Header, Kind, Line, this_leeward

PART_BYTES = 16 * 2**20
"""Of a file before it is compressed; that takes half a second, for which the API server's news wait in memory."""

_LOCK = "lock"
_UNFINISHED = ".unfinished"
_ENCODER = msgspec.json.Encoder()


class RecordingWriter:
    """Appends events to a directory; made by ``recording_into``.

    Args:
        directory: there, and this writer's alone.
        first: the header of the first file.
        part_bytes: how large a file grows.
    """

    def __init__(self, directory: Path, first: Header, *, part_bytes: int) -> None:
        self.directory = directory
        self._header = first
        self._part_bytes = part_bytes
        self._file: BinaryIO = self._begun()

    def write(self, kind: Kind, name: str, content: bytes | None, *, at: datetime) -> None:
        """Append an event.

        Args:
            kind, name: as of ``eval.replay.recording.Line``.
            content: an object's JSON, reduced; ``None`` where it was deleted.
            at: UTC.

        Raises:
            OSError: the disk is full or gone; what was written before can be read.
        """
        if self._file.tell() >= self._part_bytes:
            self.close()
            self._header = self._header.model_copy(update={"part": self._header.part + 1})
            self._file = self._begun()
        raw = msgspec.Raw(NULL if content is None else content)
        self._file.write(_ENCODER.encode(Line(at=at, kind=kind.value, name=name, object=raw)) + b"\n")

    def whole(self, *, at: datetime) -> None:
        """Say that all that the cluster had when the session began is written."""
        self.write(Kind.WHOLE, "", None, at=at)

    def flush(self) -> None:
        """Hand all that is written to the operating system: a kill of the process loses none of it."""
        self._file.flush()

    def close(self) -> None:
        """Close the file, and compress it."""
        self._file.close()
        _compress(self.directory / PART.format(self._header.part))

    def _begun(self) -> BinaryIO:
        file = (self.directory / PART.format(self._header.part)).open("xb")
        file.write(self._header.model_dump_json().encode() + b"\n")
        file.flush()
        return file


@contextmanager
def recording_into(
    directory: Path,
    *,
    session: datetime,
    cluster_time: datetime | None = None,
    simulated: bool = False,
    part_bytes: int = PART_BYTES,
) -> Iterator[RecordingWriter]:
    """A writer of a directory, new or with a recording that goes on; closed in the end.

    Args:
        directory: made where it is not there.
        session: when the recorder was started, UTC.
        cluster_time, simulated: as of ``eval.replay.recording.Header``.
        part_bytes: how large a file grows.

    Raises:
        RecordingError: it holds something else, or another recorder writes there.
        OSError: it can't be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordingError(f"another recorder writes into {directory}: name another directory") from None
        last = _tidied(directory)
        header = Header(
            session=session, part=last + 1, leeward=this_leeward(), cluster_time=cluster_time, simulated=simulated
        )
        writer = RecordingWriter(directory, header, part_bytes=part_bytes)
        try:
            yield writer
        finally:
            writer.close()


def _tidied(directory: Path) -> int:
    """Compress what a killed session left; returns the last file's number, 0 where there is none."""
    for left in directory.glob(f"*{_UNFINISHED}"):
        left.unlink()
    parts = parts_of(directory)
    odd = {path.name for path in directory.iterdir()} - {_LOCK, "decisions"}
    odd -= {PART.format(number) + suffix for number in parts for suffix in ("", CLOSED)}
    if odd and not parts:
        raise RecordingError(f"{directory} holds {min(odd)}, and no recording: name an empty or a new directory")
    for number in parts:
        plain = directory / PART.format(number)
        if plain.exists():
            _compress(plain)
    return max(parts, default=0)


def _compress(plain: Path) -> None:
    """Beside it, then into its place: whoever reads meanwhile, or after a kill, finds one whole file at the least."""
    closed = plain.with_name(plain.name + CLOSED)
    if not closed.exists():
        unfinished = closed.with_name(closed.name + _UNFINISHED)
        try:
            with plain.open("rb") as source, unfinished.open("wb") as target:
                with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as compressed:
                    shutil.copyfileobj(source, compressed)
                target.flush()
                os.fsync(target.fileno())
            unfinished.rename(closed)
        finally:
            unfinished.unlink(missing_ok=True)
    plain.unlink()
