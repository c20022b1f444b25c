"""The loop on a fabricated node."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from threading import Event

import pytest

from agent.champion_model import ChampionModel
from agent.errors import AgentError, PublishError, TopologyError
from agent.figures import Figures
from agent.outlet import Outlet
from agent.pacing import Pacing
from agent.pod_cgroups import PodCgroups
from agent.pods import PodWatch
from agent.publish import Published
from agent.regime import RegimePredictor
from agent.run import Agent, Surroundings, settings_in_force
from agent.sampling import Stop, beats_of
from agent.sd_notify import Supervisor
from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.registry import Origin
from agent.topology_sysfs import read_topology
from agent.troubles import Troubles
from contracts.axis import Axis
from contracts.nodestate import ConditionStatus, ConditionType, EventGroup, IsolatedCpuPolicy, NodeState, Spec, Status
from contracts.regime import Regime
from contracts.vector import FeatureVector, FloatArray
from serving.errors import BundleError
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.fixed_predictor import FixedPredictor
from tests.unit.agent.logged import LoggedEvent, logged_events
from tests.unit.agent.machine_tree import Machine, add_resctrl
from tests.unit.agent.test_champion_model import promote


class Reader:
    """Takes NodeStates and vectors, and may say what the administrator wants."""

    def __init__(self) -> None:
        self.states: list[NodeState] = []
        self.vectors: list[tuple[FeatureVector, ...]] = []
        self.spec: Spec | None = None
        self.refuses = False
        self.after_window: list[Callable[[], object]] = []

    def accept(self, vectors: Sequence[FeatureVector]) -> None:
        self.vectors.append(tuple(vectors))
        for act in self.after_window:
            act()

    def publish(self, state: NodeState) -> Published:
        if self.refuses:
            raise PublishError("nobody is there")
        self.states.append(state)
        return Published(spec=self.spec)

    @property
    def statuses(self) -> list[Status]:
        return [state.status for state in self.states if state.status is not None]


class Clock:
    """The system's, moved on when told."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_seconds

    def pass_an_hour(self) -> None:
        self.ahead_seconds += 3600.0


class Loop:
    """An agent on a fabricated node, with a reader of what it says."""

    def __init__(
        self,
        node: Node,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        model: type[ChampionModel] = ChampionModel,
    ) -> None:
        self.node = node
        self.node.settings.state_directory.mkdir(exist_ok=True)
        self.reader = Reader()
        self.stop = Event()
        self.troubles, self.figures = Troubles(), Figures()
        self.origins: list[AgentSettings] = []
        self.make_origin = self.fabricated_origin
        pacing = Pacing(node=node.settings.node, heartbeat_seconds=node.settings.heartbeat_seconds)
        self.outlet = Outlet(self.reader, pacing=pacing, troubles=self.troubles)
        self.agent = Agent(
            node.settings,
            Surroundings(
                outlet=self.outlet,
                model=model(node.settings.state_directory, troubles=self.troubles),
                troubles=self.troubles,
                figures=self.figures,
                supervisor=Supervisor(),
                pods=PodWatch(PodCgroups(node.roots.cgroup), self.troubles),
                sink=self.reader,
                origin_of=self.origin_of,
            ),
            monotonic=monotonic,
        )

    def origin_of(self, settings: AgentSettings) -> Origin:
        self.origins.append(settings)
        return self.make_origin(settings)

    def fabricated_origin(self, settings: AgentSettings) -> Origin:
        topology = read_topology(settings.roots)
        core = PerfSource(topology=topology, settings=settings, kernel=self.node.fake.kernel)
        sources = (core, *self.node.sources[1:]) if EventGroup.UNCORE in settings.event_groups else (core,)

        def beats(stop: Stop) -> Iterator[bool]:
            return beats_of(settings, stop=stop)

        return Origin(settings=settings, topology=topology, sources=sources, beats=beats)

    def run(self, *, windows: int) -> list[LoggedEvent]:
        """So many windows, and until the outlet has written one state at least."""

        def stop_when_enough() -> None:
            written = bool(self.reader.states) or self.reader.refuses
            if len(self.reader.vectors) >= windows and written:
                self.stop.set()

        self.reader.after_window.append(stop_when_enough)
        with logged_events() as events:
            self.agent.run(self.stop)
            self.outlet.close()
        return events


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(Node(tmp_path, Machine(boxes={})))


def test_every_window_goes_to_the_sink_and_the_first_state_out(loop: Loop) -> None:
    events = loop.run(windows=3)
    assert {tuple(vector.domain for vector in window) for window in loop.reader.vectors} == {("socket0", "socket1")}
    assert loop.reader.states[0].metadata.name == "node-1"
    names = [event.name for event in events]
    assert names[0] == "counting"
    assert next(event.fields["reason"] for event in events if event.name == "published") == "first"
    assert loop.node.fake.open_counters == {}


def test_windows_are_back_to_back(loop: Loop) -> None:
    loop.run(windows=3)
    one, two, three = (window[0] for window in loop.reader.vectors[:3])
    assert two.window_start_ns == one.window_end_ns
    assert three.window_start_ns == two.window_end_ns


def test_a_publish_that_fails_stops_nothing_and_is_in_the_conditions(loop: Loop) -> None:
    loop.reader.refuses = True
    events = loop.run(windows=4)
    assert [event.name for event in events].count("publish-failed") == 1
    assert [trouble.name for trouble in loop.troubles.present] == ["publish-failed"]
    assert len(loop.reader.vectors) >= 4


def test_a_sign_of_life_is_left_after_each_window_published_or_not(loop: Loop) -> None:
    before = time.time()
    loop.reader.refuses = True
    loop.run(windows=2)
    assert (loop.node.settings.state_directory / "alive").stat().st_mtime >= before - 0.1


def test_a_state_directory_that_cannot_be_written_does_not_end_the_loop(loop: Loop) -> None:
    (loop.node.settings.state_directory / "alive").symlink_to("nowhere/file")
    events = loop.run(windows=3)
    assert [event.name for event in events].count("state-directory-not-writable") == 1
    assert [trouble.name for trouble in loop.troubles.present] == ["state-directory-not-writable"]


def test_the_champion_judges_and_is_named(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.fake.ns_a_read = 1000
    (tmp_path / "state").mkdir()
    digest = promote(tmp_path / "state", "1")
    loop = Loop(node)
    events = loop.run(windows=1)
    status = loop.reader.statuses[0]
    assert status.bundle_digest == digest
    assert {domain.regime.value for domain in status.domains} == {"quiet"}
    assert status.domains[0].axes.llc is not None
    assert "champion-loaded" in {event.name for event in events}


def test_a_model_that_does_not_run_leaves_regimes_unknown_and_is_told(tmp_path: Path) -> None:
    class Failing(ChampionModel):
        @property
        def predictor(self) -> RegimePredictor:
            return FailingPredictor()

    class FailingPredictor(FixedPredictor):
        def probabilities(self, values: FloatArray) -> dict[Axis, float]:
            raise BundleError("graph regime-llc.onnx does not run")

        def __init__(self) -> None:
            super().__init__({})

    loop = Loop(Node(tmp_path), model=Failing)
    events = loop.run(windows=3)
    status = loop.reader.statuses[0]
    degraded = status.condition(ConditionType.DEGRADED)
    assert {domain.regime for domain in status.domains} == {Regime.UNKNOWN}
    assert status.bundle_digest is None
    assert degraded is not None
    assert degraded.message.startswith("graph regime-llc.onnx does not run; regimes are unknown meanwhile")
    assert [event.name for event in events].count("model-fails") == 1


def test_conditions_keep_their_time_across_windows_and_reopenings(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    node.settings = replace(node.settings, heartbeat_seconds=0.02)
    loop = Loop(node)
    online = node.roots.sys / "devices/system/cpu/online"
    contents = iter(["0-6\n", "0-7\n"])
    loop.reader.after_window.append(lambda: online.write_text(next(contents, "0-7\n")))
    loop.reader.after_window.append(lambda: time.sleep(0.02))
    loop.run(windows=6)
    assert len(loop.origins) == 3
    first, last = loop.reader.statuses[0], loop.reader.statuses[-1]
    assert last.heartbeat > first.heartbeat
    assert {condition.type: condition.last_transition_time for condition in last.conditions} == {
        condition.type: condition.last_transition_time for condition in first.conditions
    }


def test_cpus_that_come_or_go_have_everything_opened_anew(loop: Loop) -> None:
    online = loop.node.roots.sys / "devices/system/cpu/online"
    loop.reader.after_window.append(lambda: online.write_text("0-6\n"))
    events = loop.run(windows=3)
    assert len(loop.origins) == 2
    assert [event.name for event in events if event.name in {"cpus-changed", "counting"}] == [
        "counting",
        "cpus-changed",
        "counting",
    ]
    assert loop.node.fake.open_counters == {}


def test_cpus_that_come_and_go_all_the_time_have_everything_opened_once_a_window_at_most(tmp_path: Path) -> None:
    """The first window after an opening is a short one; a flapping CPU would make all of them short."""
    node = Node(tmp_path, Machine(boxes={}))
    node.settings = replace(node.settings, window_seconds=0.1)
    loop = Loop(node)
    online = node.roots.sys / "devices/system/cpu/online"
    contents = cycle(["0-6\n", "0-7\n"])
    loop.reader.after_window.append(lambda: online.write_text(next(contents)))
    begun = time.monotonic()
    loop.run(windows=9)
    assert 2 <= len(loop.origins) <= 1 + (time.monotonic() - begun) / 0.1


def test_events_that_are_missing_are_looked_for_again_and_found(tmp_path: Path) -> None:
    """Somebody mounts resctrl, loads a module or stops another profiler, and need not know of the agent."""
    loop = Loop(Node(tmp_path), monotonic=(clock := Clock()))
    for domain in ("mon_L3_00", "mon_L3_01"):
        loop.reader.after_window.append(partial(add_resctrl, loop.node.roots, "", domain=domain))
    loop.reader.after_window.append(clock.pass_an_hour)
    events = loop.run(windows=12)
    assert len(loop.origins) == 2, "once all are found there is nothing to look for"
    before, after = (event.fields for event in events if event.name == "counting")
    assert before["opened"] != before["wanted"] == after["wanted"] == after["opened"]


def test_a_changed_spec_is_followed_and_taken_back(tmp_path: Path) -> None:
    """The spec goes over the agent's own settings each time, not over those that an earlier one has changed."""
    node = Node(tmp_path, Machine(boxes={}))
    own = node.settings = replace(node.settings, heartbeat_seconds=0.02)
    loop = Loop(node)
    loop.reader.spec = Spec(sampling_period_seconds=0.1, window_seconds=1.0, isolated_cpus=IsolatedCpuPolicy.FULL)

    def follow(settings: AgentSettings) -> Origin:
        loop.reader.spec = None if len(loop.origins) > 1 else loop.reader.spec
        if len(loop.origins) > 2:
            loop.stop.set()
        return loop.fabricated_origin(settings)

    loop.make_origin = follow
    events = loop.run(windows=10**6)
    first, second, last = loop.origins
    assert first == last == own
    assert second == replace(own, sampling_period_seconds=0.1, window_seconds=1.0, isolated_cpus=IsolatedCpuPolicy.FULL)
    assert [event.name for event in events].count("spec-changed") == 2


@pytest.mark.parametrize("spec", [Spec(event_groups=()), Spec(window_seconds=1.0)], ids=["no group", "no sample"])
def test_a_spec_that_cannot_be_followed_leaves_the_settings_and_is_told(spec: Spec) -> None:
    own, troubles = AgentSettings(sampling_period_seconds=5.0, window_seconds=10.0), Troubles()
    assert settings_in_force(own, spec, troubles=troubles) == own
    assert [trouble.name for trouble in troubles.present] == ["spec-not-followed"]
    assert settings_in_force(own, None, troubles=troubles) == own
    assert troubles.present == ()


def test_a_machine_that_cannot_be_seen_is_published_as_not_ready_and_looked_at_again(loop: Loop) -> None:
    online = loop.node.roots.sys / "devices/system/cpu/online"
    content = online.read_text()
    online.unlink()
    failures: list[TopologyError] = []

    started = beaten_when_blind = loop.figures.snapshot().ended_seconds

    def watched(settings: AgentSettings) -> Origin:
        nonlocal beaten_when_blind
        if failures:
            beaten_when_blind = loop.figures.snapshot().ended_seconds
        try:
            return loop.fabricated_origin(settings)
        except TopologyError as error:
            failures.append(error)
            online.write_text(content)
            raise

    class Impatient(Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(min(timeout or 0.0, 0.05))

    loop.stop, loop.make_origin = Impatient(), watched
    events = loop.run(windows=2)
    assert len(failures) == 1
    assert beaten_when_blind > started
    blind = loop.reader.statuses[0]
    ready, degraded = blind.condition(ConditionType.READY), blind.condition(ConditionType.DEGRADED)
    assert blind.domains == ()
    assert ready is not None
    assert ready.status is ConditionStatus.FALSE
    assert degraded is not None
    assert degraded.reason == "TopologyUnreadable"
    assert [event.name for event in events if event.name.startswith("topology")] == [
        "topology-unreadable",
        "topology-unreadable-passed",
    ]


def test_a_socket_that_is_left_alone_is_in_the_conditions(tmp_path: Path) -> None:
    loop = Loop(Node(tmp_path, Machine(isolated="2,3,6,7", boxes={"cha": 1})))
    loop.run(windows=1)
    degraded = loop.reader.statuses[0].condition(ConditionType.DEGRADED)
    assert degraded is not None
    assert degraded.reason == "DomainsLeftAlone"
    assert degraded.message.startswith("nothing is read of socket1: every CPU of the socket is isolated")


def test_no_source_is_an_error_with_advice(loop: Loop) -> None:
    def sourceless(settings: AgentSettings) -> Origin:
        return replace(loop.fabricated_origin(settings), sources=())

    loop.make_origin = sourceless
    with pytest.raises(AgentError, match="event group"):
        loop.run(windows=1)
