"""What the watch knows, as one file that is replaced whole: it goes on from there, wherever it was killed.

<state>/watch/state.json       see ``WatchState``
<state>/watch/records.jsonl    one ``Record`` a line, in the order of their numbers
<state>/watch/lock             held by the one watch of a state directory
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field

from contracts.errors import ContractError
from contracts.model import Document, UtcTime
from contracts.nodestate import Digest
from eval.watch.betting import EXPONENTS, FRACTIONS
from eval.watch.errors import WatchError
from eval.watch.gamblers import Gamblers
from eval.watch.models import Served
from eval.watch.shares import Shares
from eval.watch.strangeness import Reference
from serving.replacement import replace_file

WATCH = "watch"
STATE_FILE, RECORDS_FILE, LOCK_FILE = "state.json", "records.jsonl", "lock"


class Phase(StrEnum):
    """Where the watch stands."""

    WATCHING = "watching"
    ALARMED = "alarmed, waiting for groups"
    STARTING = "starting a training"
    TRAINING = "training"
    COOLING = "cooling down"


class Event(StrEnum):
    """What a record is of."""

    BEGAN = "watch began"
    CHAMPION = "another champion"
    ALARM = "alarm"
    WAITING = "waiting for groups"
    STARTED = "training started"
    ENDED = "training ended"
    DECIDED = "gate decided"
    COOLED = "cooled down"
    GUARD = "guard began"
    SENT_BACK = "champion sent back"
    GUARDED = "guard ended"
    TROUBLE = "trouble"


class Record(Document):
    """One thing that happened.

    Attributes:
        number: rises by one.
        at: UTC, by the watch's clock.
        event: what it is of.
        sentence: for people.
        figures: for programs.
    """

    number: int
    at: UtcTime
    event: Event
    sentence: str
    figures: dict[str, float | str] = Field(default_factory=dict)


class Detection(Document):
    """Three tests under way.

    Attributes:
        began_ns: from when on gamblers come, UTC nanoseconds since 1970.
        coverage, regimes, vectors: their money.
        failed, wrong: rows of a period that is not closed yet: by workload group, by node.
        reference: of the vectors' test; ``None`` before it is made.
        strange: strangeness of its days, calibration first.
        today: sums of the day that is not over: by node strangeness and number of windows.
        periods: of that day.
    """

    began_ns: int
    coverage: Gamblers = Gamblers.none(len(FRACTIONS))
    regimes: Gamblers = Gamblers.none(len(FRACTIONS))
    vectors: Gamblers = Gamblers.none(len(EXPONENTS))
    failed: Shares = Shares()
    wrong: Shares = Shares()
    reference: Reference | None = None
    strange: tuple[float, ...] = ()
    today: dict[str, tuple[float, int]] = Field(default_factory=dict)
    periods: int = 0


class Run(Document):
    """A training that the watch began, or is about to.

    Attributes:
        name: its own.
        handle: the trainer's; empty before it is known.
        runs_before, versions_before: what there was of both, so that new ones are recognised.
        intended: when it was decided on.
    """

    name: str
    handle: str = ""
    runs_before: tuple[str, ...]
    versions_before: tuple[str, ...]
    intended: UtcTime


class Guard(Document):
    """A new champion beside the former one.

    Attributes:
        left: periods that it goes on.
        wealths: of the paired bet.
        failed: of the new one's bounds, over all periods.
        failed_former: of the former one's.
        periods: that counted.
        reason: why the new one goes back; empty as long as it does not. Once said it is done, whatever happens between.
    """

    champion: Served
    former: Served
    left: int
    wealths: tuple[float, ...]
    failed: Shares = Shares()
    failed_former: Shares = Shares()
    periods: int = 0
    reason: str = ""


class WatchState(Document):
    """All that is kept.

    Attributes:
        began_ns: from here on periods are looked at, UTC nanoseconds since 1970.
        closed_ns: up to here periods are closed, UTC nanoseconds since 1970.
        phase, since: where it stands, and since when.
        waiting: how many fresh groups there were when last said; -1 where it was not.
        detection: tests under way.
        alarm: the last one's sentence, while something is done about it; else empty.
        run: the training that is followed; ``None`` where none is.
        last_training_ns: when the last one was begun; rows since then are fresh.
        champion: who served when last asked.
        former: champions that served before, by digest.
        sent_back: of these, who was sent back.
        guard: a new champion's; ``None`` where there is none.
        answered: predictions that have an outcome, and those that were found to have none, while they are remembered:
            by name when they were made, UTC nanoseconds.
        recent_from_ns, recent_rows: how many labels there were from then to ``closed_ns``, so that late ones are seen.
        counts: of what was wrong, by its name.
        ahead, torn: labels that lay in the future, and recorded predictions that could not be read, when last looked.
        recorded: number of the latest record.
        outbox: records of the last step, which may not be in the file yet.
    """

    version: Literal[1] = 1
    began_ns: int
    closed_ns: int
    phase: Phase = Phase.WATCHING
    since: UtcTime
    detection: Detection
    alarm: str = ""
    waiting: int = -1
    run: Run | None = None
    last_training_ns: int = 0
    champion: Served | None = None
    former: tuple[Digest, ...] = ()
    sent_back: tuple[Digest, ...] = ()
    guard: Guard | None = None
    answered: dict[str, int] = Field(default_factory=dict)
    recent_from_ns: int = 0
    recent_rows: int = 0
    counts: dict[str, int] = Field(default_factory=dict)
    ahead: int = 0
    torn: int = 0
    recorded: int = 0
    outbox: tuple[Record, ...] = ()


class Kept:
    """The watch's files in a state directory.

    Args:
        state: the state directory.
    """

    def __init__(self, state: Path) -> None:
        self.directory = state / WATCH

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other watches off.

        Raises:
            WatchError: another one is running.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WatchError(
                    f"another watch runs on this state ({lock.name} is held): wait for it to end"
                ) from None
            yield

    def read(self) -> WatchState | None:
        """What is kept; ``None`` before the first look.

        Raises:
            WatchError: it is torn, or of another version.
        """
        file = self.directory / STATE_FILE
        try:
            return WatchState.from_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except ContractError as error:
            raise WatchError(f"{file} is refused: {error}; remove it, and the watch begins anew") from error

    def write(self, state: WatchState) -> None:
        """Replace what is kept."""
        self.directory.mkdir(parents=True, exist_ok=True)
        replace_file(self.directory / STATE_FILE, state.to_json())

    def append(self, records: Sequence[Record]) -> None:
        """Add those records that are not there yet; a line that was torn by a crash is taken away first."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / RECORDS_FILE).open("a+b") as file:
            latest = _latest_number(file.fileno())
            missing = [record for record in records if record.number > latest]
            file.write(b"".join(record.to_json() + b"\n" for record in missing))
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> tuple[Record, ...]:
        """All of them."""
        file = self.directory / RECORDS_FILE
        return tuple(Record.from_json(line) for line in file.read_bytes().splitlines()) if file.exists() else ()


_LONGEST_LINE = 1 << 16


def _latest_number(descriptor: int) -> int:
    """Of the last whole line, -1 without one; what follows it is cut off."""
    size = os.fstat(descriptor).st_size
    begin = max(0, size - 2 * _LONGEST_LINE)
    tail = os.pread(descriptor, size - begin, begin)
    whole = tail.rfind(b"\n") + 1
    if begin + whole < size:
        os.ftruncate(descriptor, begin + whole)
    lines = tail[:whole].splitlines()
    return int(json.loads(lines[-1])["number"]) if lines else -1
