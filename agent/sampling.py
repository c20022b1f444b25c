"""Samples at a steady pace, window after window."""

import time
from collections.abc import Iterator, Sequence
from threading import Event

from agent.readings import ends_of, merge
from agent.sources.protocol import CounterSource, Reading


def windows(
    sources: Sequence[CounterSource], *, period_seconds: float, window_seconds: float, stop: Event
) -> Iterator[tuple[Reading, Reading]]:
    """Read the sources every period; give the two ends of each window until stopped.

    A window begins with the sample that ended the one before, so nothing is counted twice and nothing is lost. Samples
    that a pause made late are not caught up with; the window is then as long as it was.

    Args:
        sources: open ones.
        period_seconds, window_seconds: above zero; a window ends with the sample nearest to its length.
        stop: ends the windows, the one begun included.
    """
    samples = [_read(sources)]
    due = time.monotonic()
    shortest_ns = int((window_seconds - period_seconds / 2) * 1e9)
    while True:
        due = max(due + period_seconds, time.monotonic())
        if stop.wait(due - time.monotonic()):
            return
        samples.append(_read(sources))
        if samples[-1].monotonic_ns - samples[0].monotonic_ns >= shortest_ns:
            yield ends_of(samples)
            samples = samples[-1:]


def _read(sources: Sequence[CounterSource]) -> Reading:
    return merge([source.read() for source in sources])
