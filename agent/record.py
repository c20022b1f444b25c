"""What the sources of this node give, written into a file for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from agent.sampling import Stop, beats_of
from agent.settings import AgentSettings
from agent.sources.opening import opened
from agent.sources.protocol import CounterSource, Opened
from agent.sources.recorder import Recorder
from agent.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReport:
    """What was recorded.

    Attributes:
        readings: how many, those in between included.
        windows: how many of them ended a window.
        opened: what the sources offered.
        size_bytes: of the file.
    """

    readings: int
    windows: int
    opened: Opened
    size_bytes: int


def record(
    sources: Sequence[CounterSource],
    *,
    path: Path,
    topology: Topology,
    settings: AgentSettings,
    seconds: float,
    stop: Stop,
) -> RecordingReport:
    """Sample as the agent's loop does and write every reading down.

    Args:
        sources: at least one, none open; closed at the end, however it comes.
        path: the new file.
        topology: the node's domains.
        settings: node name, sampling period and length of a window.
        seconds: how long; the window that has begun by then is the last.
        stop: ends it at once.

    Raises:
        AgentError: no source was given.
        RecordingError: the file exists, or can't be written.
    """
    recorder = Recorder(sources, path=path, topology=topology, settings=settings)
    readings, windows = 1, 0
    with opened([recorder]) as (answer,):
        end = monotonic() + seconds
        recorder.read()
        for ends_window in beats_of(settings, stop):
            recorder.read(ends_window=ends_window)
            readings, windows = readings + 1, windows + ends_window
            if ends_window and monotonic() >= end:
                break
    return RecordingReport(readings=readings, windows=windows, opened=answer, size_bytes=path.stat().st_size)
