import time
from itertools import islice
from threading import Event

import pytest

from agent.sampling import windows
from agent.sources.protocol import Opened, Reading


class Clockwork:
    """A source that says when it was read; a read takes ``slow_seconds`` once."""

    name = "clockwork"

    def __init__(self, *, slow_seconds: float = 0.0) -> None:
        self.reads = 0
        self._slow_seconds = slow_seconds

    def open(self, events: frozenset[str]) -> Opened:
        return Opened()

    def read(self) -> Reading:
        self.reads += 1
        if self.reads == 3:
            time.sleep(self._slow_seconds)
        return Reading(wall_ns=time.time_ns(), monotonic_ns=time.monotonic_ns())

    def close(self) -> None:
        """Nothing to close."""


def test_windows_follow_each_other_without_a_gap() -> None:
    source = Clockwork()
    seen = list(islice(windows([source], period_seconds=0.01, window_seconds=0.03, stop=Event()), 3))
    assert [last.monotonic_ns for _, last in seen[:2]] == [first.monotonic_ns for first, _ in seen[1:]]
    for first, last in seen:
        assert (last.monotonic_ns - first.monotonic_ns) * 1e-9 >= 0.025
    assert source.reads <= 1 + 3 * 3


def test_what_a_pause_made_late_is_not_caught_up_with() -> None:
    source = Clockwork(slow_seconds=0.3)
    begun = time.monotonic()
    list(islice(windows([source], period_seconds=0.01, window_seconds=0.02, stop=Event()), 3))
    assert time.monotonic() - begun >= 0.3
    assert source.reads <= 1 + 3 * 3


def test_stopping_ends_at_once_and_drops_the_window_begun() -> None:
    stop = Event()
    stop.set()
    begun = time.monotonic()
    assert list(windows([Clockwork()], period_seconds=60.0, window_seconds=600.0, stop=stop)) == []
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(("period", "window"), [(0.02, 0.02), (0.01, 0.012)])
def test_a_window_ends_with_the_sample_nearest_to_its_length(period: float, window: float) -> None:
    source = Clockwork()
    list(islice(windows([source], period_seconds=period, window_seconds=window, stop=Event()), 2))
    assert source.reads == 3
