"""A lab's recordings, as the vectors that the agent would have made of them."""

import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.clocks import WindowTimes
from agent.errors import AgentError
from agent.recording import Recording
from agent.sampling import windows
from agent.sources.replay import ReplaySource
from agent.troubles import Troubles
from agent.window import vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from eval.campaign.errors import CampaignError

RECORDINGS = "*.trace"


class RecordedWindows:
    """All windows of all recordings in a directory.

    Args:
        directory: of the recordings.

    Raises:
        CampaignError: there is none, or one can't be read.
    """

    def __init__(self, directory: Path) -> None:
        files = sorted(directory.glob(RECORDINGS))
        if not files:
            raise CampaignError(f"{directory} has no recording ({RECORDINGS}): leeward agent record makes them")
        by_key: dict[tuple[str, str, int], FeatureVector] = {}
        try:
            for vector in (vector for file in files for vector in _vectors(file)):
                by_key.setdefault((vector.node, vector.domain, vector.window_start_ns), vector)
        except AgentError as error:
            raise CampaignError(str(error)) from error
        self.vectors: tuple[FeatureVector, ...] = tuple(by_key[key] for key in sorted(by_key))
        self._of: dict[tuple[str, str], list[FeatureVector]] = {}
        for vector in self.vectors:
            self._of.setdefault((vector.node, vector.domain), []).append(vector)

    def between(self, node: str, domain: str, *, begin_ns: int, end_ns: int) -> Sequence[FeatureVector]:
        """Windows of a domain that lie wholly between two times, in their order."""
        own = self._of.get((node, domain), [])
        first = bisect.bisect_left(own, begin_ns, key=lambda vector: vector.window_start_ns)
        last = bisect.bisect_right(own, end_ns, key=lambda vector: vector.window_end_ns)
        return own[first:last]


class _NoWait:
    """Readings follow one another at once."""

    def wait(self, timeout: float) -> bool:
        del timeout
        return False


def _vectors(file: Path) -> Iterator[FeatureVector]:
    recording = Recording(file)
    header = recording.header
    source = ReplaySource(recording)
    source.open(FEATURE_SCHEMA_V1.events)
    times = WindowTimes(window_seconds=header.window_seconds, troubles=Troubles())
    for first, last in windows([source], beats=source.beats(_NoWait()), times=times):
        if last.monotonic_ns > first.monotonic_ns:
            yield from vectors_between(first, last, node=header.node, topology=header.topology)
    source.close()
