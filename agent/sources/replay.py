"""A recorded trace in place of the machine's counters."""

from collections.abc import Generator, Iterator

from agent.errors import RecordingError
from agent.recording import Recording
from agent.recording_format import RecordedReading
from agent.sampling import Stop
from agent.sources.protocol import Opened, Reading


class ReplaySource:
    """The readings of a recording in their order, and nothing of the machine that it is replayed on.

    With its own beats, windows are those of the recorded run, and so are their vectors, bit by bit.
    """

    name = "replay"

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._readings: Generator[RecordedReading, None, None] | None = None
        self._next: RecordedReading | None = None
        self._taken_ns = 0

    def open(self, events: frozenset[str]) -> Opened:
        """Go to the beginning. Offers what the recorded node offered, and lacks what it lacked, for the same reasons.

        Raises:
            RecordingError: the file went, or holds what no recorder writes.
        """
        self.close()
        self._readings = self._recording.readings()
        self._advance()
        recorded = self._recording.header.opened
        missing = tuple(entry for entry in recorded.missing if entry.event in events)
        return Opened(events=events & recorded.events, missing=missing)

    def read(self, *, ends_window: bool = True) -> Reading:
        """The next reading; where a window ends, the next one that ended a window.

        Raises:
            RecordingError: there is none.
        """
        while (recorded := self._next) is not None:
            self._advance()
            if recorded.ends_window or not ends_window:
                self._taken_ns = recorded.reading.monotonic_ns
                return recorded.reading
        raise RecordingError(f"recording {self._recording.path} has come to its end")

    def beats(self, stop: Stop) -> Iterator[bool]:
        """For each reading to come whether a window ends with it, as far apart as they were taken, until the end."""
        while (recorded := self._next) is not None:
            apart_seconds = (recorded.reading.monotonic_ns - self._taken_ns) * 1e-9
            if stop.wait(max(0.0, apart_seconds)):
                return
            yield recorded.ends_window

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._readings is not None:
            self._readings.close()
        self._readings, self._next = None, None

    def _advance(self) -> None:
        self._next = None if self._readings is None else next(self._readings, None)
