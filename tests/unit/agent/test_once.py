"""From opening to the NodeState: on a fabricated node, and on whatever machine this is."""

import subprocess
import sys as python
from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.main import measure
from agent.once import observe
from agent.settings import AgentSettings, Roots
from agent.sources.registry import SOURCES, sources_of
from agent.topology_sysfs import read_topology
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import MAXIMUM_BYTES, ConditionStatus, ConditionType, EventGroup, IsolatedCpuPolicy, NodeState
from contracts.regime import Regime
from tests.unit.agent.fabricated_node import DIGEST, NOW, Node
from tests.unit.agent.fixed_predictor import QUIET, FixedPredictor
from tests.unit.agent.machine_tree import Machine, add_resctrl


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


def test_this_machine(tmp_path: Path) -> None:
    report = measure(AgentSettings(node="here", state_directory=tmp_path), window_seconds=0.05)
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
    assert all(count > 0 for event, count in report.software.counts.items() if event.endswith("-clock"))
    assert report.software.counts or report.software.missing
    assert len(report.state.to_json()) < MAXIMUM_BYTES
    assert list(tmp_path.iterdir()) == []


def test_a_windowless_measurement_is_refused() -> None:
    with pytest.raises(AgentError, match="window of 0"):
        measure(AgentSettings(node="here"), window_seconds=0.0)


def test_isolated_cpus_under_policy_sampled_are_in_the_window(tmp_path: Path) -> None:
    machine = Machine(isolated="0-3", boxes={})
    node = Node(tmp_path, machine, isolated_cpus=IsolatedCpuPolicy.SAMPLED)
    state = node.observe()
    assert state.status is not None
    assert "l3_miss_ratio" in {name for name, value in features_of(state).items() if value is not None}


def test_the_registry_serves_every_event_group() -> None:
    assert set(SOURCES) == set(EventGroup)
    topology = read_topology(Roots())
    assert [source.name for source in sources_of(topology, AgentSettings())] == ["perf", "uncore", "resctrl"]


def test_the_agent_imports_nothing_heavy() -> None:
    heavy = ("pandas", "feast", "mlflow", "kfp", "xgboost", "pyarrow", "kubernetes", "onnxruntime", "rich")
    code = f"import sys, agent.main; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([python.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
