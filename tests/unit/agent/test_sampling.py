from collections.abc import Iterator
from itertools import islice, pairwise
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clocks import WindowTimes
from agent.sampling import beats_of, steady_beats, windows
from agent.settings import AgentSettings
from agent.sources.protocol import Opened, Reading
from agent.troubles import Troubles
from tests.unit.agent.simulated_time import SimulatedTime

OCCUPANCY = "RESCTRL.LLC_OCCUPANCY_BYTES"
START_NS = 10**18


class Clockwork:
    """A source that keeps when it was read and whether a window was to end; its gauge is how often it was read."""

    name = "clockwork"

    def __init__(self, time: SimulatedTime, *, read_seconds: float = 0.0) -> None:
        self.time = time
        self.taken: list[tuple[int, bool]] = []
        self._read_seconds = read_seconds

    @property
    def asked(self) -> list[bool]:
        return [ends_window for _, ends_window in self.taken]

    def open(self, events: frozenset[str]) -> Opened:
        return Opened()

    def read(self, *, ends_window: bool = True) -> Reading:
        now_ns = round(self.time.now * 1e9)
        self.taken.append((now_ns, ends_window))
        self.time.pass_by(self._read_seconds)
        gauges = {"socket0": {OCCUPANCY: float(len(self.taken))}}
        return Reading(wall_ns=START_NS + now_ns, monotonic_ns=now_ns, gauges=gauges)

    def close(self) -> None:
        """Nothing to close."""


def beats(
    time: SimulatedTime, *, period: float = 1.0, window: float = 10.0, first: float | None = None
) -> Iterator[bool]:
    return steady_beats(
        period_seconds=period,
        window_seconds=window,
        first_window_seconds=window if first is None else first,
        stop=time,
        monotonic=time.monotonic,
    )


def seen_by(
    source: Clockwork, *, number: int = 3, period: float = 1.0, window: float = 10.0, first: float | None = None
) -> list[tuple[Reading, Reading]]:
    times = WindowTimes(window_seconds=window, troubles=Troubles())
    paced = beats(source.time, period=period, window=window, first=first)
    return list(islice(windows([source], beats=paced, times=times), number))


def lengths(seen: list[tuple[Reading, Reading]]) -> list[float]:
    return [(last.monotonic_ns - first.monotonic_ns) * 1e-9 for first, last in seen]


def test_windows_follow_each_other_without_a_gap() -> None:
    seen = seen_by(Clockwork(SimulatedTime()))
    assert lengths(seen) == pytest.approx([10.0, 10.0, 10.0])
    assert [last.monotonic_ns for _, last in seen[:2]] == [first.monotonic_ns for first, _ in seen[1:]]


def test_counters_are_asked_for_where_a_window_ends_and_not_in_between() -> None:
    source = Clockwork(SimulatedTime())
    seen_by(source, number=2, window=4.0)
    assert source.asked == [True, False, False, False, True, False, False, False, True]


def test_gauges_are_sampled_in_between() -> None:
    (_, last), *_ = seen_by(Clockwork(SimulatedTime()), number=1, window=4.0)
    assert last.gauges == {"socket0": {OCCUPANCY: (2 + 3 + 4 + 5) / 4}}


@pytest.mark.parametrize(("period", "first"), [(1.0, 1.0), (5.0, 1.0), (0.5, 0.5)])
def test_the_first_window_may_be_short_and_the_others_are_whole(period: float, first: float) -> None:
    source = Clockwork(SimulatedTime())
    assert lengths(seen_by(source, period=period, first=first)) == pytest.approx([first, 10.0, 10.0])
    assert source.asked[:2] == [True, True]


def test_the_settings_make_the_first_window_a_second_long_at_most() -> None:
    for period, first in ((0.5, 0.5), (5.0, 1.0)):
        time = SimulatedTime()
        begun = time.now
        paced = steady_beats(
            period_seconds=period, window_seconds=10.0, first_window_seconds=first, stop=time, monotonic=time.monotonic
        )
        assert next(paced)
        assert time.now - begun == pytest.approx(first)
    stop = Event()
    stop.set()
    assert list(beats_of(AgentSettings(), stop)) == []


def test_what_a_pause_made_late_is_not_caught_up_with() -> None:
    pauses = iter([0.0, 25.0])
    time = SimulatedTime(oversleeps=lambda: next(pauses, 0.0))
    source = Clockwork(time)
    assert lengths(seen_by(source, number=2)) == pytest.approx([27.0, 10.0])
    assert len(source.asked) == 1 + 2 + 10


def test_a_slow_read_makes_no_window_longer() -> None:
    assert lengths(seen_by(Clockwork(SimulatedTime(), read_seconds=0.3))) == pytest.approx([10.0] * 3, abs=0.31)


def test_stopping_ends_at_once_and_drops_the_window_begun() -> None:
    stop = Event()
    stop.set()
    source = Clockwork(SimulatedTime())
    settings = AgentSettings(sampling_period_seconds=60.0, window_seconds=600.0)
    times = WindowTimes(window_seconds=600.0, troubles=Troubles())
    assert list(windows([source], beats=beats_of(settings, stop), times=times)) == []
    assert source.asked == [True]


@pytest.mark.parametrize(("period", "window", "expected"), [(2.0, 2.0, 2.0), (1.0, 1.2, 1.0), (1.0, 1.7, 2.0)])
def test_a_window_ends_with_the_sample_nearest_to_its_length(period: float, window: float, expected: float) -> None:
    seen = seen_by(Clockwork(SimulatedTime()), period=period, window=window)
    assert lengths(seen) == pytest.approx([expected] * 3)


@settings(deadline=None)
@given(
    period=st.floats(0.01, 5.0),
    samples=st.floats(1.0, 20.0),
    pauses=st.lists(st.floats(0.0, 8.0), max_size=60),
)
def test_windows_fill_time_without_gap_or_overlap_however_late_samples_are(
    period: float, samples: float, pauses: list[float]
) -> None:
    """No beat is lost or invented: every window but a paused one has its due length within half a period."""
    late = iter(pauses)
    window = period * samples
    time = SimulatedTime(stop_after=40 * window, oversleeps=lambda: next(late, 0.0))
    ends = [time.now] + [time.now for ends_window in beats(time, period=period, window=window) if ends_window]
    found = [after - before for before, after in pairwise(ends)]
    assert all(length >= window - period / 2 - 1e-6 for length in found)
    assert sum(length > window + period / 2 + 1e-6 for length in found) <= sum(pause > 0.0 for pause in pauses)


@settings(deadline=None)
@given(pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 4.0, 18.0, 29.5, 31.0, 3600.0]), max_size=60))
def test_no_time_is_counted_twice_and_none_is_lost_without_being_told(pauses: list[float]) -> None:
    """What kept windows do not cover is what the told ones did."""
    late = iter(pauses)
    time = SimulatedTime(stop_after=20_000.0, oversleeps=lambda: next(late, 0.0))
    source, troubles = Clockwork(time), Troubles()
    times = WindowTimes(window_seconds=10.0, troubles=troubles)
    kept = [
        (first.monotonic_ns, last.monotonic_ns)
        for first, last in windows([source], beats=islice(beats(time), 400), times=times)
    ]
    ends = [at for at, ends_window in source.taken if ends_window]
    every = list(pairwise(ends))
    assert kept == [(start, end) for start, end in every if end - start <= 30 * 10**9]
    assert troubles.counts.get("window-missed", 0) == len(every) - len(kept)
