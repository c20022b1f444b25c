"""Samples at a steady pace, window after window."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from agent.clocks import WindowTimes
from agent.readings import ends_of, merge
from agent.settings import AgentSettings
from agent.sources.protocol import CounterSource, Reading

LONGEST_FIRST_WINDOW_SECONDS = 0.5
"""The first window after a start lasts one sampling period, and this at most: a node is known within two seconds."""


class Stop(Protocol):
    """What ends a loop: ``threading.Event``."""

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds; whether the loop is to end."""


def steady_beats(
    *,
    period_seconds: float,
    window_seconds: float,
    first_window_seconds: float,
    stop: Stop,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[bool]:
    """Wait for sample after sample until stopped; each time, whether a window ends with it.

    That is known before the sample is taken, by the time that it is then. A window ends with the sample nearest to its
    length. Samples that a pause let pass are not caught up with: the window is then as long as it was.

    Args:
        period_seconds: between two samples, above zero.
        window_seconds: a window's length, no shorter than a period.
        first_window_seconds: the first window's, so that the first vector need not wait for a whole window; where that
            is shorter than a period, the first period is as short.
        stop: ends the beats at once.
        monotonic: seconds now.
    """
    begun = due = monotonic()
    period, window = min(period_seconds, first_window_seconds), first_window_seconds
    while True:
        now = monotonic()
        missed = max(0.0, (now - due) // period)
        due += (missed + 1.0) * period
        if stop.wait(max(0.0, due - now)):
            return
        now = monotonic()
        ends_window = now - begun >= window - period / 2
        if ends_window:
            begun, period, window = now, period_seconds, window_seconds
        yield ends_window


def beats_of(settings: AgentSettings, stop: Stop) -> Iterator[bool]:
    """The steady beats that the settings ask for, with a short first window."""
    return steady_beats(
        period_seconds=settings.sampling_period_seconds,
        window_seconds=settings.window_seconds,
        first_window_seconds=min(settings.sampling_period_seconds, LONGEST_FIRST_WINDOW_SECONDS),
        stop=stop,
    )


def windows(
    sources: Sequence[CounterSource], *, beats: Iterable[bool], times: WindowTimes
) -> Iterator[tuple[Reading, Reading]]:
    """Read the sources at every beat; give the two ends of each window, until the beats end.

    A window begins with the sample that ended the one before, so nothing is counted twice and nothing is lost, save
    what ``times`` discards and tells. The window begun when the beats end is dropped.

    Args:
        sources: open ones.
        beats: when to sample, each time whether a window ends.
        times: where windows lie.
    """
    samples = [_read(sources, ends_window=True)]
    for ends_window in beats:
        samples.append(_read(sources, ends_window=ends_window))
        if not ends_window:
            continue
        first, last = ends_of(samples)
        placed = times.place(first, last)
        samples = samples[-1:]
        if placed is not None:
            yield first, placed


def _read(sources: Sequence[CounterSource], *, ends_window: bool) -> Reading:
    return merge([source.read(ends_window=ends_window) for source in sources])
