"""A counter source whose every read is timed and counted."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from agent.figures import Figures, SourceFigures
from agent.sources.protocol import CounterBlock, CounterSource, Opened, Reading, ReadingCost
from agent.sources.unread import is_unread


@runtime_checkable
class _Interrupting(Protocol):
    """A source that knows how many groups it has open, and whom it interrupted."""

    @property
    def figures(self) -> ReadingCost:
        """What it costs."""


class TimedSource:
    """Any source, counted under its name.

    Args:
        source: who reads.
        figures: who counts, on from what was counted under that name before.
    """

    def __init__(self, source: CounterSource, figures: Figures) -> None:
        self._source = source
        self._interrupting = source if isinstance(source, _Interrupting) else None
        self._figures = figures
        self._interruptions = 0

    @property
    def name(self) -> str:
        """The source's."""
        return self._source.name

    def open(self, events: frozenset[str]) -> Opened:
        """As the source."""
        answer = self._source.open(events)
        before = self._figures.source(self.name)
        counted = replace(before, opened=len(answer.events), missing=len({entry.event for entry in answer.missing}))
        self._figures.keep_source(self.name, self._with_cost(counted))
        return answer

    def read(self, *, ends_window: bool = True) -> Reading:
        """As the source."""
        begun = time.perf_counter()
        reading = self._source.read(ends_window=ends_window)
        seconds = time.perf_counter() - begun
        before = self._figures.source(self.name)
        counted = replace(
            before,
            reads=before.reads + 1,
            read_seconds=before.read_seconds + seconds,
            last_read_seconds=seconds,
            unread_rows=before.unread_rows + _unread_rows(reading.blocks),
        )
        self._figures.keep_source(self.name, self._with_cost(counted))
        return reading

    def close(self) -> None:
        """As the source."""
        self._source.close()
        self._figures.keep_source(self.name, replace(self._figures.source(self.name), groups=0, descriptors=0))

    def _with_cost(self, figures: SourceFigures) -> SourceFigures:
        if self._interrupting is None:
            return figures
        cost = self._interrupting.figures
        new = cost.interruptions - self._interruptions
        self._interruptions = cost.interruptions
        return replace(
            figures,
            groups=cost.groups,
            descriptors=cost.descriptors,
            interruptions=figures.interruptions + new,
        )


def _unread_rows(blocks: Iterable[CounterBlock]) -> int:
    return sum(
        int(np.count_nonzero(is_unread(enabled_ns=block.enabled_ns, running_ns=block.running_ns))) for block in blocks
    )
