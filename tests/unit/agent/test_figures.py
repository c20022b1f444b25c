from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from agent.figures import Figures
from agent.sources.protocol import Opened, Reading
from agent.timed_source import TimedSource
from contracts.features import FEATURE_SCHEMA_V1
from tests.unit.agent.counted_node import WINDOW_SECONDS, count_windows
from tests.unit.agent.fabricated_node import Node


def test_a_loop_that_has_done_nothing_says_when_it_was_started() -> None:
    figures = Figures(monotonic=lambda: 7.0).snapshot()
    assert (figures.beaten_seconds, figures.ended_seconds) == (7.0, 7.0)
    assert (figures.windows, figures.domains, figures.sources) == (0, (), ())


def test_each_beat_is_progress_and_is_told_in_the_loops_own_thread_before_the_sample() -> None:
    clock = count(1)
    figures = Figures(monotonic=lambda: float(next(clock)))
    told: list[str] = []
    beats = figures.beats([False, True, False], progress=lambda: told.append("progress"))
    for beat in beats:
        told += [f"sample {beat}"]
    assert told == ["progress", "sample False", "progress", "sample True", "progress", "sample False"]
    seen = figures.snapshot()
    assert (seen.beaten_seconds, seen.ended_seconds) == (4.0, 3.0)


def test_windows_and_what_they_held_are_counted(tmp_path: Path) -> None:
    node, figures = Node(tmp_path), Figures()
    judged = count_windows(node, figures, number=3)
    seen = figures.snapshot()
    assert (seen.windows, seen.vectors, seen.rows_left_out) == (3, 3 * len(judged.vectors), 0)
    assert seen.last_window_seconds == pytest.approx(WINDOW_SECONDS, rel=1e-3)
    assert seen.window_seconds == pytest.approx(3 * WINDOW_SECONDS, rel=1e-3)
    coverage = judged.status.coverage
    assert (seen.events_wanted, seen.events_opened) == (coverage.wanted, coverage.opened)
    assert [(domain.name, domain.regime) for domain in seen.domains] == [
        (domain.name, domain.regime) for domain in judged.status.domains
    ]
    present = [sum(value is not None for value in domain.features) for domain in judged.status.domains]
    assert [domain.present for domain in seen.domains] == present
    assert 0 < present[0] < len(FEATURE_SCHEMA_V1)


def test_sources_are_timed_and_counted_by_name(tmp_path: Path) -> None:
    node, figures = Node(tmp_path), Figures()
    count_windows(node, figures, number=3)
    sources = dict(figures.snapshot().sources)
    assert set(sources) == {"perf", "uncore", "resctrl"}
    assert {source.reads for source in sources.values()} == {4}
    assert all(0.0 < source.last_read_seconds <= source.read_seconds for source in sources.values())
    assert sources["perf"].opened > 0
    assert (sources["resctrl"].opened, sources["resctrl"].missing) == (0, 3)


def test_interruptions_are_counted_across_a_reopening_and_as_a_rate_of_the_last_window(tmp_path: Path) -> None:
    figures = Figures()
    count_windows(Node(tmp_path / "before"), figures, number=2)
    once = dict(figures.snapshot().sources)["perf"].interruptions
    count_windows(Node(tmp_path / "after"), figures, number=2)
    seen = figures.snapshot()
    perf = dict(seen.sources)["perf"]
    assert perf.interruptions == 2 * once > 0
    assert seen.interruptions_per_second == pytest.approx(once / 3 / WINDOW_SECONDS, rel=1e-3)


def test_groups_and_descriptors_are_those_that_are_open(tmp_path: Path) -> None:
    node, figures = Node(tmp_path), Figures()
    perf = TimedSource(node.sources[0], figures)
    perf.open(frozenset(["INST_RETIRED.ANY"]))
    opened = figures.source("perf")
    assert opened.descriptors >= opened.groups > 0
    perf.close()
    assert (figures.source("perf").groups, figures.source("perf").descriptors) == (0, 0)


def test_rows_that_a_read_could_not_fill_are_counted(tmp_path: Path) -> None:
    node, figures = Node(tmp_path), Figures()
    perf = TimedSource(node.sources[0], figures)
    perf.open(frozenset(["INST_RETIRED.ANY"]))
    leaders = [fd for fd, counter in node.fake.open_counters.items() if counter.leader == fd]
    node.fake.unreadable.update(leaders[:2])
    perf.read()
    perf.read()
    assert figures.source("perf").unread_rows == 2 * 2
    perf.close()


class Gauge:
    """A source that knows nothing of groups."""

    name = "gauge"

    def open(self, events: frozenset[str]) -> Opened:
        return Opened()

    def read(self, *, ends_window: bool = True) -> Reading:
        return Reading(wall_ns=1, monotonic_ns=1)

    def close(self) -> None:
        """Nothing to close."""


def test_whoever_looks_meanwhile_sees_counts_that_only_grow() -> None:
    figures = Figures()
    source = TimedSource(Gauge(), figures)
    source.open(frozenset())
    seen: list[int] = []

    def look() -> None:
        while not seen or seen[-1] < 2000:
            seen.append(figures.source("gauge").reads)

    watcher = Thread(target=look)
    watcher.start()
    for _ in range(2000):
        source.read()
    watcher.join(timeout=30.0)
    assert seen == sorted(seen)
    assert seen[-1] == 2000
