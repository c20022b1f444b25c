"""What the loop counts: windows, what they held, what each source cost, and when it last got anywhere."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Lock

from agent.judged import JudgedWindow
from contracts.regime import Regime


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFigures:
    """One domain in the last window.

    Attributes:
        name: the domain's.
        regime: its regime.
        present: how many features were no missing values.
    """

    name: str
    regime: Regime
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigures:
    """One counter source.

    Attributes:
        opened, missing: events that it counts, and that it was asked for and does not.
        groups, descriptors: open now.
        reads: since the agent's start.
        read_seconds: all reads together.
        last_read_seconds: the last one.
        unread_rows: rows that a read could not fill.
        interruptions: of other CPUs.
    """

    opened: int = 0
    missing: int = 0
    groups: int = 0
    descriptors: int = 0
    reads: int = 0
    read_seconds: float = 0.0
    last_read_seconds: float = 0.0
    unread_rows: int = 0
    interruptions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFigures:
    """What a loop has done since the agent's start.

    Attributes:
        beaten_seconds: monotonic time of the last sample.
        ended_seconds: monotonic time of the last sample that ended a window, whether or not the window was of use. The
            start counts as both.
        windows: finished ones.
        window_seconds: how long they were, together.
        last_window_seconds: how long the last one was.
        vectors: made of them.
        rows_left_out: counter rows that were not believed.
        events_wanted, events_opened: of the contract's, as the coverage says.
        interruptions_per_second: of other CPUs, over the last window.
        bundle_digest: of the model that judged the last window; empty without one.
        domains: in the last window.
        sources: by name.
    """

    beaten_seconds: float
    ended_seconds: float
    windows: int = 0
    window_seconds: float = 0.0
    last_window_seconds: float = 0.0
    vectors: int = 0
    rows_left_out: int = 0
    events_wanted: int = 0
    events_opened: int = 0
    interruptions_per_second: float = 0.0
    bundle_digest: str = ""
    domains: tuple[DomainFigures, ...] = ()
    sources: tuple[tuple[str, SourceFigures], ...] = ()


class Figures:
    """Counts for one agent, across every reopening of its sources. The loop counts, any thread looks.

    Args:
        monotonic: seconds now.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        now = monotonic()
        self._loop = LoopFigures(beaten_seconds=now, ended_seconds=now)
        self._sources: dict[str, SourceFigures] = {}
        self._interruptions = 0

    def beats(self, beats: Iterable[bool], *, progress: Callable[[], None]) -> Iterator[bool]:
        """Pass the loop's beats on; with each the loop has come as far as its next sample.

        Args:
            beats: of the loop, each whether a window ends with it.
            progress: called in the loop's own thread with each: so a watchdog hears of a loop that hangs.
        """
        for ends_window in beats:
            self.beaten(ends_window=ends_window)
            progress()
            yield ends_window

    def beaten(self, *, ends_window: bool) -> None:
        """The loop has come on, whether or not there was anything to measure.

        Args:
            ends_window: whether as far as the end of a window.
        """
        now = self._monotonic()
        with self._lock:
            ended = now if ends_window else self._loop.ended_seconds
            self._loop = replace(self._loop, beaten_seconds=now, ended_seconds=ended)

    def finished(self, window: JudgedWindow, *, rows_left_out: int) -> None:
        """Count a window.

        Args:
            window: what came of it.
            rows_left_out: counter rows that it did not believe.
        """
        coverage = window.status.coverage
        seconds = window.vectors[0].window_length_ns / 1e9 if window.vectors else 0.0
        with self._lock:
            interruptions = sum(source.interruptions for source in self._sources.values())
            new, self._interruptions = interruptions - self._interruptions, interruptions
            self._loop = replace(
                self._loop,
                windows=self._loop.windows + 1,
                window_seconds=self._loop.window_seconds + seconds,
                last_window_seconds=seconds,
                vectors=self._loop.vectors + len(window.vectors),
                rows_left_out=self._loop.rows_left_out + rows_left_out,
                events_wanted=coverage.wanted,
                events_opened=coverage.opened,
                interruptions_per_second=new / seconds if seconds else 0.0,
                bundle_digest=window.status.bundle_digest or "",
                domains=tuple(
                    DomainFigures(
                        name=domain.name,
                        regime=domain.regime,
                        present=sum(value is not None for value in domain.features),
                    )
                    for domain in window.status.domains
                ),
            )

    def source(self, name: str) -> SourceFigures:
        """What was counted of a source so far."""
        with self._lock:
            return self._sources.get(name, SourceFigures())

    def keep_source(self, name: str, figures: SourceFigures) -> None:
        """Take over a source's new figures, from the loop's thread."""
        with self._lock:
            self._sources[name] = figures

    def snapshot(self) -> LoopFigures:
        """All of it at one moment."""
        with self._lock:
            return replace(self._loop, sources=tuple(sorted(self._sources.items())))
