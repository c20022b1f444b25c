"""Where windows lie while clocks are set, machines sleep and agents are stopped."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clocks import CLOCK_STEPPED, STEP_NS, WINDOW_MISSED, WINDOW_SUSPENDED, WindowTimes, asleep_ns
from agent.sources.protocol import Reading
from agent.troubles import Troubles
from tests.unit.agent.logged import logged_events

SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
WINDOW_NS = 10 * SECOND_NS
START = Reading(wall_ns=1_700_000_000 * SECOND_NS, monotonic_ns=500 * SECOND_NS, asleep_ns=7 * SECOND_NS)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What happened during one window, in nanoseconds."""

    length: int = WINDOW_NS
    stepped: int = 0
    slept: int = 0

    @property
    def troubles(self) -> set[str]:
        names = {
            CLOCK_STEPPED: abs(self.stepped) > STEP_NS,
            WINDOW_SUSPENDED: self.slept > STEP_NS,
            WINDOW_MISSED: self.length > 3 * WINDOW_NS and self.slept <= STEP_NS,
        }
        return {name for name, is_so in names.items() if is_so}

    @property
    def is_good(self) -> bool:
        return self.slept <= STEP_NS and self.length <= 3 * WINDOW_NS


def readings(course: Sequence[Passed]) -> list[Reading]:
    taken = [START]
    for passed in course:
        before = taken[-1]
        taken.append(
            Reading(
                wall_ns=before.wall_ns + passed.length + passed.slept + passed.stepped,
                monotonic_ns=before.monotonic_ns + passed.length,
                asleep_ns=before.asleep_ns + passed.slept,
            )
        )
    return taken


def placed(course: Sequence[Passed], troubles: Troubles | None = None) -> list[Reading | None]:
    times = WindowTimes(window_seconds=WINDOW_NS * 1e-9, troubles=troubles or Troubles())
    return [times.place(first, last) for first, last in pairwise(readings(course))]


def spans(course: Sequence[Passed]) -> list[tuple[int, int]]:
    """Start and end in UTC of each window that was kept."""
    ends = zip(course, placed(course), strict=True)
    return [(last.wall_ns - passed.length, last.wall_ns) for passed, last in ends if last is not None]


lengths = st.integers(SECOND_NS, 29 * SECOND_NS)
steps = st.one_of(
    st.just(0), st.integers(-2 * HOUR_NS, -STEP_NS - 1), st.integers(STEP_NS + 1, 2 * HOUR_NS), st.integers(-9, 9)
)
courses = st.lists(
    st.builds(
        Passed,
        length=st.one_of(lengths, st.integers(31 * SECOND_NS, HOUR_NS)),
        stepped=steps,
        slept=st.one_of(st.just(0), st.integers(STEP_NS + 1, HOUR_NS)),
    ),
    min_size=1,
    max_size=12,
)


jitter = st.integers(-1000, 1000)
"""Between asking one clock and the other a little passes, and never the same."""


@settings(deadline=None)
@given(course=st.lists(st.builds(Passed, length=lengths, stepped=jitter), min_size=1, max_size=12))
def test_windows_join_to_the_nanosecond_while_nothing_happens(course: list[Passed]) -> None:
    found = spans(course)
    assert len(found) == len(course)
    assert found[0][0] == START.wall_ns
    assert all(before[1] == after[0] for before, after in pairwise(found))


@settings(deadline=None)
@given(course=courses)
def test_no_window_lies_about_its_length_and_each_ends_when_the_clock_said_so(course: list[Passed]) -> None:
    taken = readings(course)
    for (_, last), passed, end in zip(pairwise(taken), course, placed(course), strict=True):
        assert (end is not None) == passed.is_good
        if end is not None:
            assert abs(end.wall_ns - last.wall_ns) <= STEP_NS
            assert (end.monotonic_ns, end.asleep_ns) == (last.monotonic_ns, last.asleep_ns)


@settings(deadline=None)
@given(course=courses)
def test_everything_that_happened_is_told_once_a_window_and_nothing_else(course: list[Passed]) -> None:
    troubles = Troubles()
    placed(course, troubles)
    expected = {
        name: sum(name in passed.troubles for passed in course)
        for name in (CLOCK_STEPPED, WINDOW_SUSPENDED, WINDOW_MISSED)
    }
    assert troubles.counts == {name: count for name, count in expected.items() if count}


@settings(deadline=None)
@given(course=courses)
def test_a_trouble_is_present_with_the_first_good_window_after_it_and_gone_with_the_second(
    course: list[Passed],
) -> None:
    troubles = Troubles()
    times = WindowTimes(window_seconds=WINDOW_NS * 1e-9, troubles=troubles)
    since_last_good: set[str] = set()
    for passed, (first, last) in zip(course, pairwise(readings(course)), strict=True):
        since_last_good |= passed.troubles
        if times.place(first, last) is not None:
            assert {trouble.name for trouble in troubles.present} == since_last_good
            since_last_good = set()


def test_what_was_told_before_the_sources_were_opened_anew_passes_too() -> None:
    troubles = Troubles()
    placed([Passed(stepped=HOUR_NS)], troubles)
    placed([Passed()], troubles)
    assert troubles.present == ()


def test_a_clock_set_by_an_hour_is_one_log_line_and_passes() -> None:
    with logged_events() as events:
        kept = placed([Passed(), Passed(stepped=HOUR_NS), Passed(), Passed()])
    assert None not in kept
    assert [event.name for event in events] == [CLOCK_STEPPED, f"{CLOCK_STEPPED}-passed"]
    assert "set forward by 3600.0 s" in str(events[0].fields["error"])


def test_after_a_step_back_windows_are_where_the_clock_now_says() -> None:
    before, stepped, after = spans([Passed(), Passed(stepped=-HOUR_NS), Passed()])
    assert stepped[1] - stepped[0] == WINDOW_NS
    assert stepped[1] == before[1] + WINDOW_NS - HOUR_NS
    assert after[0] == stepped[1]
    assert len({span[0] for span in (before, stepped, after)}) == 3


def test_slewing_is_no_step_and_windows_follow_it() -> None:
    """500 ppm, as ntpd slews at most: on Linux both clocks do, here the wall clock alone."""
    troubles = Troubles()
    course = [Passed(stepped=WINDOW_NS // 2000)] * 1000
    last = placed(course, troubles)[-1]
    assert last is not None
    assert abs(last.wall_ns - readings(course)[-1].wall_ns) <= STEP_NS
    assert troubles.counts == {}


def test_sleep_is_no_step_of_the_wall_clock() -> None:
    troubles = Troubles()
    kept = placed([Passed(), Passed(slept=HOUR_NS), Passed()], troubles)
    assert [end is not None for end in kept] == [True, False, True]
    assert kept[2] is not None
    assert kept[2].wall_ns == readings([Passed(), Passed(slept=HOUR_NS), Passed()])[-1].wall_ns
    assert troubles.counts == {WINDOW_SUSPENDED: 1}


@pytest.mark.parametrize(
    ("window_seconds", "longest_seconds"),
    [(10.0, 30.0), (60.0, 180.0), (0.5, 10.0)],
    ids=["usual", "long", "short"],
)
def test_a_window_may_be_three_times_as_long_as_it_should_and_ten_seconds_in_any_case(
    window_seconds: float, longest_seconds: float
) -> None:
    for late_ns, is_kept in ((0, True), (1, False)):
        times = WindowTimes(window_seconds=window_seconds, troubles=Troubles())
        end_ns = START.monotonic_ns + int(longest_seconds * SECOND_NS) + late_ns
        assert (times.place(START, replace(START, monotonic_ns=end_ns)) is not None) == is_kept


def test_this_machine_has_not_slept_since_it_was_asked_before() -> None:
    before = asleep_ns()
    time.sleep(0.01)
    assert abs(asleep_ns() - before) < SECOND_NS
