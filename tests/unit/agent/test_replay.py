"""A recorded run replayed: the same vectors, bit by bit, and nothing of the machine it is replayed on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from agent.clocks import WindowTimes
from agent.coverage import coverage_of
from agent.errors import RecordingError
from agent.once import observe
from agent.record import record
from agent.recording import Recording
from agent.sampling import windows
from agent.settings import AgentSettings
from agent.sources.protocol import CounterSource, Opened
from agent.sources.recorder import Recorder
from agent.sources.registry import origin_of
from agent.sources.replay import ReplaySource
from agent.topology_sysfs import read_topology
from agent.troubles import Troubles
from agent.window import vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from contracts.vector import FeatureVector
from tests.unit.agent.fabricated_node import NOW, Node
from tests.unit.agent.machine_tree import Machine, add_resctrl
from tests.unit.agent.simulated_time import SimulatedTime

ENDS = (True, False, False, True, False, False, True, False)
"""Whether a window ends, for each sample after the first."""


def lively(root: Path) -> Node:
    """A node with all sources, one box that refuses and one that can't be read."""
    node = Node(root, Machine(boxes={"cha": 2, "imc": 2, "upi": 2, "iio": 2}))
    for domain in ("mon_L3_00", "mon_L3_01"):
        add_resctrl(node.roots, "", domain=domain, occupancy=1000, total=5000, local=4000)
    node.fake.refuse = lambda counter: 13 if counter.config == 0x100012D else 0
    return node


def living_beats(node: Node) -> Iterator[bool]:
    """Between two samples occupancy and bandwidth grow, and later a group of tasks appears."""
    for index, ends_window in enumerate(ENDS):
        node.fake.advance(10**9)
        for domain in ("mon_L3_00", "mon_L3_01"):
            grown = 1000 + 17 * index
            add_resctrl(node.roots, "", domain=domain, occupancy=grown, total=9 * grown, local=8 * grown)
        if index == 4:
            add_resctrl(node.roots, "latency", occupancy=5, total=6, local=5)
        yield ends_window


def vectors_of(
    source: CounterSource, beats: Iterator[bool], node: Node, settings: AgentSettings
) -> list[tuple[FeatureVector, ...]]:
    times = WindowTimes(window_seconds=settings.window_seconds, troubles=Troubles())
    return [
        vectors_between(first, last, node=settings.node, topology=node.topology)
        for first, last in windows([source], beats=beats, times=times)
    ]


def recorded(node: Node, path: Path) -> tuple[list[tuple[FeatureVector, ...]], Opened]:
    recorder = Recorder(node.sources, path=path, topology=node.topology, settings=node.settings)
    opened = recorder.open(FEATURE_SCHEMA_V1.events)
    vectors = vectors_of(recorder, living_beats(node), node, node.settings)
    recorder.close()
    return vectors, opened


def test_a_replayed_run_yields_the_vectors_and_the_coverage_of_the_recorded_one(tmp_path: Path) -> None:
    node = lively(tmp_path)
    expected, opened = recorded(node, tmp_path / "trace")
    origin = origin_of(replace(AgentSettings(node="elsewhere"), replay=tmp_path / "trace"))
    (source,) = origin.sources
    again = source.open(FEATURE_SCHEMA_V1.events)
    vectors = vectors_of(source, origin.beats(SimulatedTime()), node, origin.settings)
    source.close()
    assert vectors == expected
    assert [vector.values.tobytes() for window in vectors for vector in window] == [
        vector.values.tobytes() for window in expected for vector in window
    ]
    assert len(vectors) == sum(ENDS)
    assert vectors[0][0].present_count > 20
    assert coverage_of([again]) == coverage_of([opened])
    assert coverage_of([again]).missing
    assert (origin.topology, origin.settings.node) == (node.topology, "node-1")
    assert origin.settings.window_seconds == node.settings.window_seconds


def test_one_window_replays_like_the_one_that_was_observed(tmp_path: Path) -> None:
    node = lively(tmp_path)
    recorder = Recorder(node.sources, path=tmp_path / "trace", topology=node.topology, settings=node.settings)

    def seen(source: CounterSource) -> NodeState:
        return observe(
            [source],
            node.topology,
            node.settings,
            clock=lambda: NOW,
            sleep=lambda seconds: node.fake.advance(int(seconds * 1e9)),
        )

    living = seen(recorder)
    assert seen(ReplaySource(Recording(tmp_path / "trace"))) == living
    assert node.fake.open_counters == {}


def test_a_recording_replays_again_from_its_beginning(tmp_path: Path) -> None:
    recorded(lively(tmp_path), tmp_path / "trace")
    source = ReplaySource(Recording(tmp_path / "trace"))
    firsts = []
    for _ in range(2):
        source.open(FEATURE_SCHEMA_V1.events)
        firsts.append(source.read().monotonic_ns)
    assert firsts[0] == firsts[1]


def test_who_asks_for_the_end_of_a_window_gets_the_next_one_recorded(tmp_path: Path) -> None:
    node = lively(tmp_path)
    recorded(node, tmp_path / "trace")
    times = [entry.reading.monotonic_ns for entry in Recording(tmp_path / "trace").readings()]
    source = ReplaySource(Recording(tmp_path / "trace"))
    source.open(FEATURE_SCHEMA_V1.events)
    assert [source.read().monotonic_ns for _ in range(3)] == [times[0], times[1], times[4]]
    assert source.read(ends_window=False).monotonic_ns == times[5]


def test_the_end_of_a_recording_is_told(tmp_path: Path) -> None:
    recorded(lively(tmp_path), tmp_path / "trace")
    source = ReplaySource(Recording(tmp_path / "trace"))
    with pytest.raises(RecordingError, match="come to its end"):
        source.read()
    source.open(FEATURE_SCHEMA_V1.events)
    for _ in range(1 + sum(ENDS)):
        source.read()
    with pytest.raises(RecordingError, match="come to its end"):
        source.read()


def test_events_that_nobody_asks_for_are_not_offered(tmp_path: Path) -> None:
    recorded(lively(tmp_path), tmp_path / "trace")
    source = ReplaySource(Recording(tmp_path / "trace"))
    assert source.open(frozenset({"INST_RETIRED.ANY", "XQ.FULL_CYCLES"})).events == {"INST_RETIRED.ANY"}


def test_beats_are_as_far_apart_as_the_readings_were_and_stop_when_told(tmp_path: Path) -> None:
    recorded(lively(tmp_path), tmp_path / "trace")
    times = [entry.reading.monotonic_ns for entry in Recording(tmp_path / "trace").readings()]
    source = ReplaySource(Recording(tmp_path / "trace"))
    source.open(FEATURE_SCHEMA_V1.events)
    source.read()
    waiting = SimulatedTime()
    begun = waiting.now
    passed = []
    for ends_window in source.beats(waiting):
        source.read(ends_window=ends_window)
        passed.append(waiting.now - begun)
    assert passed == pytest.approx([(time - times[0]) * 1e-9 for time in times[1:]])
    source.open(FEATURE_SCHEMA_V1.events)
    source.read()
    stop = Event()
    stop.set()
    assert list(source.beats(stop)) == []


def test_without_a_recording_readings_come_from_this_machine(tmp_path: Path) -> None:
    node = lively(tmp_path)
    origin = origin_of(node.settings)
    assert origin.settings is node.settings
    assert origin.topology == read_topology(node.roots)
    assert [source.name for source in origin.sources] == ["perf", "uncore", "resctrl"]
    beats = origin.beats(SimulatedTime(stop_after=0.1))
    assert next(beats, None) in {True, False, None}


def test_recording_samples_as_the_loop_does_and_ends_with_a_window(tmp_path: Path) -> None:
    node = lively(tmp_path)
    report = record(
        node.sources,
        path=tmp_path / "trace",
        topology=node.topology,
        settings=node.settings,
        seconds=0.05,
        stop=Event(),
    )
    taken = list(Recording(tmp_path / "trace").readings())
    assert [entry.ends_window for entry in taken[:2]] == [True, True]
    assert taken[-1].ends_window
    assert (report.readings, report.windows) == (len(taken), sum(entry.ends_window for entry in taken) - 1)
    assert report.size_bytes == (tmp_path / "trace").stat().st_size
    assert node.fake.open_counters == {}


def test_recording_that_is_stopped_keeps_what_it_has(tmp_path: Path) -> None:
    node = lively(tmp_path)
    stop = Event()
    stop.set()
    settings = node.settings
    report = record(
        node.sources, path=tmp_path / "trace", topology=node.topology, settings=settings, seconds=60.0, stop=stop
    )
    assert (report.readings, report.windows) == (1, 0)
    assert len(list(Recording(tmp_path / "trace").readings())) == 1


def test_a_recording_that_cannot_be_made_closes_what_was_opened(tmp_path: Path) -> None:
    node = lively(tmp_path)
    with pytest.raises(RecordingError, match="can't be made"):
        record(
            node.sources,
            path=tmp_path / "no/such/directory",
            topology=node.topology,
            settings=node.settings,
            seconds=1.0,
            stop=Event(),
        )
    assert node.fake.open_counters == {}


def test_in_between_the_ends_of_a_window_only_gauges_are_read(tmp_path: Path) -> None:
    node = lively(tmp_path)
    for source in node.sources:
        source.open(FEATURE_SCHEMA_V1.events)
    reads = node.fake.reads
    between = [source.read(ends_window=False) for source in node.sources]
    assert node.fake.reads == reads
    assert [reading.blocks for reading in between] == [(), (), ()]
    assert between[2].gauges.keys() == {"socket0", "socket1"}
