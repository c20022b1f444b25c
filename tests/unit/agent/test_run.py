"""The loop on a fabricated node, and the whole program on whatever machine this is."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from agent.champion_model import ChampionModel
from agent.errors import AgentError, PublishError
from agent.main import run as run_here
from agent.run import run
from agent.settings import AgentSettings
from contracts.nodestate import ConditionType, NodeState
from contracts.vector import FeatureVector
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.logged import LoggedEvent, logged_events
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.test_champion_model import promote

SCRIPT = """
import sys
from pathlib import Path
from agent.main import run
from agent.settings import AgentSettings
run(AgentSettings(node="here", state_directory=Path(sys.argv[1]), sampling_period_seconds=0.05, window_seconds=0.1))
"""


class Collector:
    """Publisher and sink: takes a number of windows' vectors, then stops the loop."""

    def __init__(self, stop: Event, *, windows: int, refuse: Sequence[int] = ()) -> None:
        self.states: list[NodeState] = []
        self.vectors: list[tuple[FeatureVector, ...]] = []
        self._stop = stop
        self._windows = windows
        self._refuse = refuse
        self._attempts = 0

    def accept(self, vectors: Sequence[FeatureVector]) -> None:
        self.vectors.append(tuple(vectors))
        if len(self.vectors) == self._windows:
            self._stop.set()

    def publish(self, state: NodeState) -> None:
        self._attempts += 1
        if self._attempts in self._refuse:
            raise PublishError("nobody is there")
        self.states.append(state)


def watch(node: Node, *, windows: int = 3, refuse: Sequence[int] = ()) -> tuple[Collector, list[LoggedEvent]]:
    stop = Event()
    collector = Collector(stop, windows=windows, refuse=refuse)
    node.settings.state_directory.mkdir(exist_ok=True)
    with logged_events() as events:
        run(
            node.settings,
            topology=node.topology,
            sources=node.sources,
            publisher=collector,
            model=ChampionModel(node.settings.state_directory),
            stop=stop,
            sink=collector,
        )
    return collector, events


def test_every_window_goes_to_the_sink_and_the_first_state_out(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    collector, events = watch(node)
    assert [[vector.domain for vector in window] for window in collector.vectors] == [["socket0", "socket1"]] * 3
    (state,) = collector.states
    assert state.metadata.name == "node-1"
    assert [event.name for event in events] == ["counting", "published"]
    assert events[1].fields["reason"] == "first"
    assert node.fake.open_counters == {}


def test_windows_are_back_to_back(tmp_path: Path) -> None:
    one, two, three = (window[0] for window in watch(Node(tmp_path, Machine(boxes={})))[0].vectors)
    for before, after in ((one, two), (two, three)):
        assert abs(after.window_start_ns - before.window_end_ns) < 1_000_000


def test_a_failing_publish_is_logged_once_and_tried_with_every_window(tmp_path: Path) -> None:
    collector, events = watch(Node(tmp_path, Machine(boxes={})), windows=5, refuse=(1, 2, 3))
    assert [event.name for event in events] == ["counting", "publish-failed", "published"]
    assert events[-1].fields["failures_before"] == 3
    assert len(collector.states) == 1


def test_a_sign_of_life_is_left_after_each_window_published_or_not(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    before = time.time()
    watch(node, windows=2, refuse=(1, 2))
    assert (tmp_path / "state/alive").stat().st_mtime >= before - 0.1


def test_a_state_directory_that_cannot_be_written_does_not_end_the_loop(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    (tmp_path / "state/alive").mkdir(parents=True)
    (tmp_path / "state/alive").rmdir()
    (tmp_path / "state/alive").symlink_to(tmp_path / "nowhere/file")
    collector, events = watch(node, windows=2)
    assert len(collector.vectors) == 2
    assert "state-directory-not-writable" in {event.name for event in events}


def test_the_champion_judges_and_is_named(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.fake.ns_a_read = 1000
    (tmp_path / "state").mkdir()
    digest = promote(tmp_path / "state", "1")
    collector, events = watch(node, windows=1)
    status = collector.states[0].status
    assert status is not None
    assert status.bundle_digest == digest
    assert {domain.regime.value for domain in status.domains} == {"quiet"}
    assert status.domains[0].axes.llc is not None
    assert "champion-loaded" in {event.name for event in events}


def test_conditions_keep_their_time_from_window_to_window(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    collector, _ = watch(node, windows=4, refuse=(1, 2))
    status = collector.states[0].status
    assert status is not None
    ready = status.condition(ConditionType.READY)
    assert ready is not None
    assert (status.heartbeat - ready.last_transition_time).total_seconds() > 0.02


def test_cpus_that_come_or_go_end_the_loop_and_close_everything(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    collector = Collector(Event(), windows=100)

    class Unplugging(Collector):
        def accept(self, vectors: Sequence[FeatureVector]) -> None:
            super().accept(vectors)
            (node.roots.sys / "devices/system/cpu/online").write_text("0-6\n")

    collector = Unplugging(Event(), windows=100)
    with logged_events() as events:
        run(
            node.settings,
            topology=node.topology,
            sources=node.sources,
            publisher=collector,
            model=ChampionModel(tmp_path),
            stop=Event(),
            sink=collector,
        )
    assert len(collector.vectors) == 1
    assert events[-1].name == "cpus-changed"
    assert node.fake.open_counters == {}


def test_no_source_is_an_error_with_advice(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with pytest.raises(AgentError, match="event group"):
        run(
            node.settings,
            topology=node.topology,
            sources=(),
            publisher=Collector(Event(), windows=1),
            model=ChampionModel(tmp_path),
            stop=Event(),
        )


def test_a_state_directory_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(AgentError, match=r"state directory .*/state can't be made: File exists; name a writable one"):
        run_here(AgentSettings(node="n1", state_directory=tmp_path / "state"), stop=Event(), environment={})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_runs_on_this_machine_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBERNETES_")}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stderr=subprocess.PIPE, text=True, env=environment
    )
    state = tmp_path / "nodestates/here.json"
    try:
        deadline = time.monotonic() + 30
        while not (state.exists() and (tmp_path / "alive").exists()) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.02)
        asked = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert time.monotonic() - asked < 5
    events = [json.loads(line) for line in errors.splitlines()]
    assert [event["event"] for event in events[:2]] == ["publishing-to-directory", "counting"]
    assert events[-1]["event"] == "stopped"
    assert NodeState.from_json(state.read_bytes()).metadata.name == "here"
