"""A recorded trace: what the sources of one node gave, reading after reading, in one file.

What it holds are raw counts. Features are computed from them as from a living node, under the same contract, which has
none that would tell the core clock. ``agent/recording_format.py`` says how the file is laid out.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, Self

from agent import log
from agent.errors import RecordingError
from agent.recording_format import (
    FIRST_LINE,
    HEADER,
    LAYOUT,
    LONGEST_FIRST_LINE,
    MAGIC,
    READING,
    VERSION,
    Layout,
    RecordedReading,
    RecordingHeader,
    frame,
    header_from_bytes,
    header_to_bytes,
    layout_from_bytes,
    layout_of,
    layout_to_bytes,
    read_frame,
    reading_from_bytes,
    reading_to_bytes,
)
from agent.sources.protocol import Reading


class RecordingWriter:
    """Writes a new recording; a context manager that closes it.

    Args:
        path: the new file.
        header: what it is of.

    Raises:
        RecordingError: the file exists, or can't be written.
    """

    def __init__(self, path: Path, header: RecordingHeader) -> None:
        self._path = path
        self._layouts: dict[Layout, int] = {}
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise RecordingError(f"recording {path} can't be made: {error.strerror}; name a new file") from error
        self._append(FIRST_LINE + frame(HEADER, header_to_bytes(header)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, reading: Reading, *, ends_window: bool) -> None:
        """Append one reading.

        Raises:
            RecordingError: it can't be written; what was written before can be read.
        """
        layout = layout_of(reading.blocks)
        number = self._layouts.get(layout)
        if number is None:
            self._append(frame(LAYOUT, layout_to_bytes(layout)))
            number = self._layouts[layout] = len(self._layouts)
        recorded = RecordedReading(reading=reading, ends_window=ends_window)
        self._append(frame(READING, reading_to_bytes(recorded, layout=number)))

    def close(self) -> None:
        """Sync to disk and close; a second call does nothing.

        Raises:
            RecordingError: the disk did not take all of it.
        """
        if self._file.closed:
            return
        with self._file:
            try:
                os.fsync(self._file)
            except OSError as error:
                raise self._unwritable(error) from error

    def _append(self, content: bytes) -> None:
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> RecordingError:
        return RecordingError(
            f"recording {self._path} can't be written: {error.strerror}; what was written until then can be read"
        )


class Recording:
    """A recording, read from its beginning as often as one likes.

    Args:
        path: the file.

    Raises:
        RecordingError: it can't be read, is no recording, is one of another version, or is torn within its header.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as file:
            self.header = self._header(file)

    def readings(self) -> Generator[RecordedReading, None, None]:
        """All readings in the order in which they were taken, up to where the file is torn, which is logged.

        Raises:
            RecordingError: the file went, or holds what no recorder writes.
        """
        layouts: list[Layout] = []
        with self._opened() as file:
            self._header(file)
            size = os.fstat(file.fileno()).st_size
            start = file.tell()
            while (found := read_frame(file)) is not None:
                kind, body = found
                try:
                    if kind == LAYOUT:
                        layouts.append(layout_from_bytes(body))
                    elif kind == READING:
                        yield reading_from_bytes(body, layouts=layouts)
                except ValueError as error:
                    raise self._foreign(start, error) from error
                start = file.tell()
            if start < size:
                log.warning("recording-torn", path=self.path, readable_bytes=start, bytes=size)

    def _opened(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise RecordingError(f"recording {self.path} can't be read: {error.strerror}") from error

    def _header(self, file: BinaryIO) -> RecordingHeader:
        first_line = file.readline(LONGEST_FIRST_LINE)
        if not first_line.startswith(MAGIC):
            raise RecordingError(f"{self.path} is no recording: leeward agent record makes one")
        if first_line != FIRST_LINE:
            version = first_line.removeprefix(MAGIC).strip().decode(errors="replace")
            raise RecordingError(
                f"recording {self.path} is of version {version or 'unknown'}, this agent reads version {VERSION}: "
                "replay it by the agent that recorded it, or record anew"
            )
        found = read_frame(file)
        if found is None or found[0] != HEADER:
            raise RecordingError(f"recording {self.path} is torn within its header: nothing of it can be read")
        try:
            return header_from_bytes(found[1])
        except ValueError as error:
            raise self._foreign(len(FIRST_LINE), error) from error

    def _foreign(self, start: int, error: ValueError) -> RecordingError:
        return RecordingError(
            f"recording {self.path} holds at byte {start} what no recorder of version {VERSION} writes: "
            f"{' '.join(str(error).split())[:200]}"
        )
