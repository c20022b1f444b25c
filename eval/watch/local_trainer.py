"""A training as a process of this machine, found again by whoever started it, whatever happens to both.

<state>/watch/runs/<run>/lock         held by the process as long as it lives
<state>/watch/runs/<run>/pid          of the process, which leads a group of its own
<state>/watch/runs/<run>/ended.json   how it ended, if it came to an end
<state>/watch/runs/<run>/log          what it said

The lock is taken before the process exists and handed down to it. So there is no moment at which a run lives unlocked:
where a run has neither a lock that is held, nor a pid, nothing was ever begun.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from contracts.errors import ContractError
from contracts.model import Document
from eval.watch.trainer import RunState, RunStatus
from serving.replacement import replace_file

RUNS = Path("watch") / "runs"
_ENDING_SECONDS = 10.0
"""What a process that is asked to end has before it is killed."""


class Ended(Document):
    """How a run ended: with a sentence where it failed, empty else."""

    failure: str = ""


class LocalTrainer:
    """Trains on this machine, as ``leeward train --local`` does.

    Args:
        state: the state directory.
        module: what is run, with the state directory and the run's as arguments; see ``eval.watch.local_training``.
    """

    def __init__(self, state: Path, *, module: str = "eval.watch.local_training") -> None:
        self._state, self._module = state.resolve(), module
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def known(self) -> tuple[str, ...]:
        """See ``Trainer``."""
        return tuple(sorted(place.name for place in (self._state / RUNS).glob("*") if self._begun(place.name)))

    def start(self, run: str) -> str:
        """See ``Trainer``."""
        place = self._place(run)
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as lock, (place / "log").open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._children[run] = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", self._module, str(self._state), str(place)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        return run

    def find(self, run: str, before: tuple[str, ...]) -> str | None:  # noqa: ARG002 - names are its own here
        """See ``Trainer``."""
        return run if self._begun(run) else None

    def status(self, handle: str) -> RunStatus:
        """See ``Trainer``."""
        place = self._place(handle)
        if handle in self._children:
            self._children[handle].poll()
        if self._lives(handle):
            return RunStatus(state=RunState.RUNNING)
        try:
            failure = Ended.from_json((place / "ended.json").read_bytes()).failure
        except (FileNotFoundError, ContractError):
            return RunStatus(state=RunState.LOST, said=f"its process is gone; {place / 'log'} has what it said")
        return RunStatus(state=RunState.FAILED, said=failure) if failure else RunStatus(state=RunState.ENDED)

    def end(self, handle: str) -> None:
        """See ``Trainer``: the whole group of processes is asked to end, then killed."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            if not self._lives(handle) or (process := self._pid(handle)) is None:
                return
            try:
                os.killpg(process, how)
            except ProcessLookupError:
                return
            self._wait(handle)

    def _wait(self, run: str) -> None:
        given_up = time.monotonic() + _ENDING_SECONDS
        while self._lives(run) and time.monotonic() < given_up:
            if run in self._children:
                self._children[run].poll()
            time.sleep(0.05)

    def _begun(self, run: str) -> bool:
        return self._lives(run) or (self._place(run) / "pid").exists()

    def _lives(self, run: str) -> bool:
        try:
            with (self._place(run) / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _pid(self, run: str) -> int | None:
        """Of the process, which writes it first of all."""
        try:
            return int((self._place(run) / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return self._children[run].pid if run in self._children else None

    def _place(self, run: str) -> Path:
        return self._state / RUNS / run


def write_pid(place: Path) -> None:
    """The first thing that the process does."""
    replace_file(place / "pid", str(os.getpid()).encode())


def write_end(place: Path, failure: str) -> None:
    """The last thing."""
    replace_file(place / "ended.json", Ended(failure=failure).to_json())
