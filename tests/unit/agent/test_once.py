"""From opening to the NodeState: on a fabricated node, and on whatever machine this is."""

import json
import subprocess
import sys as python
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from agent.conditions import conditions_of
from agent.errors import AgentError, PublishError
from agent.main import measure, once
from agent.once import observe
from agent.publish import DirectoryPublisher
from agent.render import render
from agent.settings import AgentSettings, Roots
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.registry import SOURCES, sources_of
from agent.sources.resctrl import ResctrlSource
from agent.sources.software import SoftwareWindow
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from agent.topology_sysfs import read_topology
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import MAXIMUM_BYTES, ConditionStatus, ConditionType, Coverage, EventGroup, NodeState
from contracts.regime import Regime
from tests.unit.agent.fake_kernel import FakeKernel, OpenCounter
from tests.unit.agent.machine_tree import Machine, add_resctrl, build
from tests.unit.agent.test_regime import QUIET, FixedPredictor

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64
PER_MICROSECOND = {
    0x400: 12000.0,  # slots
    0x8300: 4800.0,  # back-end bound
    0x8700: 3000.0,  # of it memory bound
    0x4D1: 30.0,  # loads that hit the L3
    0x20D1: 10.0,  # loads that missed it
}


def rate(counter: OpenCounter) -> float:
    return PER_MICROSECOND.get(counter.config, 1.0) * 1e-3


class Node:
    """A fabricated node with all sources on one fabricated kernel."""

    def __init__(self, root: Path, machine: Machine | None = None) -> None:
        self.roots = build(root, machine or Machine())
        self.settings = AgentSettings(node="node-1", roots=self.roots, state_directory=root / "state")
        self.topology: Topology = read_topology(self.roots)
        self.fake = FakeKernel(rate=rate)
        self.sources: tuple[CounterSource, ...] = (
            PerfSource(topology=self.topology, settings=self.settings, kernel=self.fake.kernel),
            UncoreSource(topology=self.topology, settings=self.settings, kernel=self.fake.kernel),
            ResctrlSource(topology=self.topology, settings=self.settings),
        )

    def observe(self, predictor: FixedPredictor | None = None) -> NodeState:
        return observe(
            self.sources,
            self.topology,
            self.settings,
            predictor=predictor,
            bundle_digest=DIGEST if predictor else None,
            clock=lambda: NOW,
            sleep=lambda seconds: self.fake.advance(int(seconds * 1e9)),
        )


def features_of(state: NodeState, domain: int = 0) -> dict[str, float | None]:
    assert state.status is not None
    return dict(zip(FEATURE_SCHEMA_V1.names, state.status.domains[domain].features, strict=True))


def test_a_whole_node_in_one_window(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for domain in ("mon_L3_00", "mon_L3_01"):
        add_resctrl(node.roots, "", domain=domain, occupancy=107520 * 256, total=5, local=5)
    state = node.observe(FixedPredictor(QUIET | {Axis.LLC: 0.9}))
    assert state.status is not None
    assert (state.status.coverage.opened, state.status.coverage.missing) == (state.status.coverage.wanted, ())
    features = features_of(state)
    assert features["memory_bound_share"] == pytest.approx(0.25)
    assert features["core_bound_share"] == pytest.approx(0.15)
    assert features["l3_miss_ratio"] == pytest.approx(0.25)
    assert features["llc_occupancy_share"] == pytest.approx(0.25)
    assert state.status.domains[0].headroom.llc_occupancy == pytest.approx(0.75)
    assert state.status.regimes == "llc,llc"
    assert state.status.domains[1].axes.llc == 0.9
    assert state.status.heartbeat == NOW
    assert state.status.bundle_digest == DIGEST
    assert node.fake.open_counters == {}
    statuses = {condition.type: condition.status for condition in state.status.conditions}
    assert statuses == {
        ConditionType.READY: ConditionStatus.TRUE,
        ConditionType.CHARACTERISED: ConditionStatus.TRUE,
        ConditionType.DEGRADED: ConditionStatus.FALSE,
    }
    assert NodeState.from_json(state.to_json()) == state


def test_multiplexing_changes_no_feature(tmp_path: Path) -> None:
    alone, shared = Node(tmp_path / "a"), Node(tmp_path / "b")
    shared.fake.running_share = 0.25
    expected = features_of(alone.observe())
    present = {name for name, value in expected.items() if value is not None}
    assert {name for name, value in features_of(shared.observe()).items() if value is not None} == present
    for name in present - {"io_bandwidth_share"}:
        assert features_of(shared.observe())[name] == pytest.approx(expected[name], rel=1e-4)


def test_sources_are_closed_even_if_reading_fails(tmp_path: Path) -> None:
    node = Node(tmp_path)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        observe(node.sources, node.topology, node.settings, sleep=interrupted)
    assert node.fake.open_counters == {}


def test_unbelievable_rows_degrade_the_node(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={"upi": 2}))

    def break_a_box(seconds: float) -> None:
        node.fake.advance(int(seconds * 1e9))
        node.fake.unreadable = {counter.fd for counter in node.fake.open_counters.values() if counter.type == 11}

    state = observe(node.sources, node.topology, node.settings, clock=lambda: NOW, sleep=break_a_box)
    assert state.status is not None
    degraded = state.status.condition(ConditionType.DEGRADED)
    assert degraded is not None
    assert "2 counter rows" in degraded.message


def test_no_source_is_an_error_with_advice(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with pytest.raises(AgentError, match="event group"):
        observe((), node.topology, node.settings)


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    topology = Topology(vendor="AuthenticAMD", family=25, model=1, stepping=1, smt=True, domains=())
    coverage = Coverage(wanted=2, opened=2)

    def conditions(now: datetime, **changes: int) -> dict[ConditionType, datetime]:
        fresh = conditions_of(
            topology=topology,
            coverage=coverage,
            published_vectors=changes.get("vectors", 1),
            rows_left_out=0,
            now=now,
            previous=before,
        )
        return {condition.type: condition.last_transition_time for condition in fresh}

    before = conditions_of(
        topology=topology, coverage=coverage, published_vectors=1, rows_left_out=0, now=NOW, previous=()
    )
    later = NOW + timedelta(minutes=1)
    assert set(conditions(later).values()) == {NOW}
    assert conditions(later, vectors=0)[ConditionType.READY] == later


def test_the_embedded_publisher_replaces_atomically_and_leaves_nothing_behind(tmp_path: Path) -> None:
    node = Node(tmp_path)
    publisher = DirectoryPublisher(node.settings.state_directory)
    state = node.observe()
    publisher.publish(state)
    publisher.publish(state)
    (path,) = (tmp_path / "state/nodestates").iterdir()
    assert path == publisher.path_of("node-1")
    assert NodeState.from_json(path.read_bytes()) == state
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["../escape", "Upper", "", "a/b", "-a", "a" * 254])
def test_only_node_names_become_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublishError, match="DNS-1123"):
        DirectoryPublisher(tmp_path).path_of(name)


def test_an_unwritable_state_directory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    state = Node(tmp_path / "node").observe()
    with pytest.raises(PublishError, match="writable state directory"):
        DirectoryPublisher(tmp_path / "state").publish(state)


def test_this_machine(tmp_path: Path) -> None:
    settings = AgentSettings(node="here", state_directory=tmp_path)
    report = measure(settings, window_seconds=0.05, publish=True)
    status = report.state.status
    assert status is not None
    topology = read_topology(Roots())
    characterised = status.condition(ConditionType.CHARACTERISED)
    assert characterised is not None
    assert (characterised.status is ConditionStatus.TRUE) == topology.characterised
    assert f"model {topology.model} " in characterised.message
    assert {domain.regime for domain in status.domains} == {Regime.UNKNOWN}
    assert (
        status.coverage.opened + sum(len(group.events) for group in status.coverage.missing) == status.coverage.wanted
    )
    assert report.software.counts["cpu-clock"] > 0
    assert len(report.state.to_json()) < MAXIMUM_BYTES
    assert json.loads((tmp_path / "nodestates/here.json").read_bytes())["metadata"]["name"] == "here"


def test_once_is_the_state_alone(tmp_path: Path) -> None:
    state = once(AgentSettings(node="here", state_directory=tmp_path, event_groups=(EventGroup.RESCTRL,)))
    assert state.metadata.name == "here"
    assert not (tmp_path / "nodestates").exists()


def test_the_registry_serves_every_event_group() -> None:
    assert set(SOURCES) == set(EventGroup)
    topology = read_topology(Roots())
    assert [source.name for source in sources_of(topology, AgentSettings())] == ["perf", "uncore", "resctrl"]


def test_rendering_shows_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    node = Node(tmp_path, Machine(boxes={}))
    state = node.observe(FixedPredictor(QUIET | {Axis.LLC: 0.9}))
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    console.print(render(state, SoftwareWindow(counts={"context-switches": 1234}, cpus=2)))
    text = console.export_text()
    for expected in ("Characterised", "SapphireRapids", "ENOENT 28", "memory_bound_share", "0.25", "1,234", "P(llc)"):
        assert expected in text
    assert text.count("missing") > 2 * 5
    assert "dram_utilisation" in text


def test_rendering_a_state_without_a_status() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(render(NodeState.model_validate({"metadata": {"name": "n1"}})))
    assert captured.get().strip() == "n1: no status yet"


def test_the_agent_imports_nothing_heavy() -> None:
    heavy = ("pandas", "feast", "mlflow", "kfp", "xgboost", "pyarrow", "kubernetes")
    code = f"import sys, agent.main, agent.render; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([python.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
