"""Who trains: a port with two real forms, a process of this machine and a Kubeflow endpoint."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """How far a run is, and what it said where it failed."""

    state: RunState
    said: str = ""


class Trainer(Protocol):
    """Runs trainings. All methods raise ``PipelineError`` where they can't be done now."""

    def known(self) -> tuple[str, ...]:
        """Handles of the runs that there are, the latest of them."""

    def start(self, run: str) -> str:
        """Begin a training under a name; returns its handle."""

    def find(self, run: str, before: tuple[str, ...]) -> str | None:
        """The handle of a training that ``start`` began under this name, also where its caller was killed before it
        returned; ``before`` are the handles that there were before it was called."""

    def status(self, handle: str) -> RunStatus:
        """How far it is."""

    def end(self, handle: str) -> None:
        """End a training that takes too long."""
