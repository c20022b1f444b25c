"""Sources whose readings are written down as they are taken."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agent.readings import merge
from agent.recording import RecordingWriter
from agent.recording_format import RecordingHeader
from agent.settings import AgentSettings
from agent.sources.protocol import CounterSource, Opened, Reading
from agent.state import agent_version
from agent.topology import Topology
from contracts.features import FEATURE_SCHEMA_V1


class Recorder:
    """Several sources as one, and a recording of what it gives.

    Args:
        sources: at least one, none open.
        path: the new file; made when the sources are opened, and once only.
        topology: the node's domains.
        settings: node name, sampling period and length of a window.
    """

    name = "recorder"

    def __init__(
        self, sources: Sequence[CounterSource], *, path: Path, topology: Topology, settings: AgentSettings
    ) -> None:
        self._sources = tuple(sources)
        self._path = path
        self._topology = topology
        self._settings = settings
        self._writer: RecordingWriter | None = None

    def open(self, events: frozenset[str]) -> Opened:
        """Open all sources and begin the recording.

        Raises:
            RecordingError: the file exists, or can't be written.
        """
        answers = [source.open(events) for source in self._sources]
        opened = Opened(
            events=frozenset[str]().union(*(answer.events for answer in answers)),
            missing=tuple(entry for answer in answers for entry in answer.missing),
        )
        header = RecordingHeader(
            node=self._settings.node,
            agent_version=agent_version(),
            feature_schema=FEATURE_SCHEMA_V1.digest,
            started=datetime.now(UTC),
            sampling_period_seconds=self._settings.sampling_period_seconds,
            window_seconds=self._settings.window_seconds,
            topology=self._topology,
            opened=opened,
        )
        self._writer = RecordingWriter(self._path, header)
        return opened

    def read(self, *, ends_window: bool = True) -> Reading:
        """Read all sources and write down what they give.

        Raises:
            RecordingError: it can't be written, or nothing was opened.
        """
        reading = merge([source.read(ends_window=ends_window) for source in self._sources])
        if self._writer is not None:
            self._writer.write(reading, ends_window=ends_window)
        return reading

    def close(self) -> None:
        """Close the sources and the recording; a second call does nothing.

        Raises:
            RecordingError: the disk did not take all of it.
        """
        for source in self._sources:
            source.close()
        if self._writer is not None:
            self._writer.close()
