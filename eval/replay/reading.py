"""Reading a recording, line by line and however it ended: what is torn is left out, and counted."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.model import one_sentence
from eval.replay.errors import RecordingError
from eval.replay.recording import CLOSED, FORM, NULL, PART_GLOB, Header, Kind, Line
from eval.replay.trouble import Trouble

_LINE = msgspec.json.Decoder(Line)
_NUMBERED = re.compile(r"events-([0-9]+)\.jsonl(\.gz)?")
_KINDS = frozenset(Kind)
_SHOWN = 40


class _Form(BaseModel):
    """What every form of a recording says of itself, whatever else it has."""

    model_config = ConfigDict(extra="ignore")

    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a recording.

    Attributes:
        at: when it was seen, by the recorder's clock.
        kind, name: as of ``eval.replay.recording.Line``.
        content: the object's JSON; ``None`` where it was deleted.
        session: number of the session, from 0.
    """

    at: datetime
    kind: Kind
    name: str
    content: bytes | None
    session: int


class Recording:
    """A directory with a recording.

    Args:
        directory: see ``eval.replay.recording``.

    Raises:
        RecordingError: there is none, or it is of another form.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._parts = parts_of(directory)
        headers = [header for path in self._parts.values() if (header := _header_of(path)) is not None]
        if not headers:
            raise RecordingError(
                f"{directory} holds no recording: make one with `leeward eval record --into {directory}`"
            )
        self.headers = tuple(headers)

    @property
    def files(self) -> int:
        """How many files of events there are."""
        return len(self._parts)

    @property
    def simulated(self) -> bool:
        """Whether any of it is of the testbed."""
        return any(header.simulated for header in self.headers)

    @property
    def sessions(self) -> int:
        """How often a recorder was started."""
        return len({header.session for header in self.headers})

    def events(self, troubles: Counter[Trouble]) -> Iterator[Event]:
        """All events in the order in which they were seen.

        Args:
            troubles: counts what is wrong with the files.
        """
        numbers = sorted(self._parts)
        troubles[Trouble.MISSING] += numbers[-1] - numbers[0] + 1 - len(numbers)
        session, began, latest = -1, None, None
        for number in numbers:
            lines = _lines_of(self._parts[number], troubles)
            header = _header_in(self._parts[number], next(lines, b""))
            if header is None:
                continue
            if header.session != began:
                session, began = session + 1, header.session
            for line in lines:
                event = _event_in(line, session, troubles)
                if event is None:
                    continue
                troubles[Trouble.STEPPED_BACK] += latest is not None and event.at < latest
                latest = event.at
                yield event


def parts_of(directory: Path) -> Mapping[int, Path]:
    """Files of events by their number, closed ones where there are both."""
    found: dict[int, Path] = {}
    for path in sorted(directory.glob(PART_GLOB)):
        named = _NUMBERED.fullmatch(path.name)
        if named is not None:
            found[int(named[1])] = path  # a closed one is sorted behind
    return found


def _header_of(path: Path) -> Header | None:
    return _header_in(path, next(_lines_of(path, Counter()), b""))


def _header_in(path: Path, line: bytes) -> Header | None:
    """``None`` where not even that was written whole.

    Raises:
        RecordingError: it is of another form, or no header.
    """
    if not line:
        return None
    try:
        form = _Form.model_validate_json(line).form
        if form != FORM:
            raise RecordingError(
                f"{path} is of form {form[:_SHOWN]!r}, this release reads {FORM}: replay it with the release that "
                "wrote it"
            )
        return Header.model_validate_json(line)
    except ValidationError as error:
        raise RecordingError(
            f"{path} begins with no header of a recording: {one_sentence(error)}; take it out of the directory"
        ) from error


def _lines_of(path: Path, troubles: Counter[Trouble]) -> Iterator[bytes]:
    """Whole lines, without their ends."""
    with gzip.open(path) if path.name.endswith(CLOSED) else path.open("rb") as file:
        try:
            for line in file:
                if not line.endswith(b"\n"):
                    troubles[Trouble.TORN] += 1
                    return
                yield line[:-1]
        except (EOFError, zlib.error, gzip.BadGzipFile):
            troubles[Trouble.CUT_OFF] += 1


def _event_in(line: bytes, session: int, troubles: Counter[Trouble]) -> Event | None:
    try:
        found = _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        troubles[Trouble.TORN] += 1
        return None
    if found.kind not in _KINDS:
        troubles[Trouble.OTHER_KIND] += 1
        return None
    content = bytes(found.object)
    return Event(
        at=found.at,
        kind=Kind(found.kind),
        name=found.name,
        content=None if content == NULL else content,
        session=session,
    )
