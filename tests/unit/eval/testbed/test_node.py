"""The node as its callers use it, and as the agent sees it."""

from itertools import pairwise

import numpy as np
import pytest

from agent.ceilings import DRAM_COMMANDS_PER_CLOCK
from agent.once import observe
from agent.settings import AgentSettings
from agent.sources.protocol import CounterSource, Reading
from agent.window import rows_left_out, vectors_between
from contracts.axis import Axis
from contracts.clock import ClockClass
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of
from contracts.nodestate import ConditionStatus, ConditionType
from contracts.slowdown import IndicatorKind
from contracts.vector import FeatureVector
from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.cluster import NODE_KINDS, simulated_nodes
from eval.testbed.cores import CpuPolicy
from eval.testbed.errors import PlacementError, TestbedError
from eval.testbed.hardware import CORES_PER_SOCKET, DRAM_CLOCK_HZ, IMC_BOXES, LINE_BYTES
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import COUNTED_EVENTS, FULL, ODD_BOXES, EventOffer
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload
from tests.unit.eval.testbed.scenes import VICTIM, node_with


def populated(offer: EventOffer = FULL, *, seed: int = 1, clock_ratio: float = 1.0) -> SimulatedNode:
    node = SimulatedNode(name="spr-test", offer=offer, seed=seed, clock_ratio=clock_ratio)
    for name in ("upf-large", "firewall", "udr"):
        node.place(name, workload(name), domain="socket0")
    for name in ("batch", "cdn-cache", "amf"):
        node.place(name, workload(name), domain="socket1")
    return node


def window(node: SimulatedNode, seconds: float = 10.0) -> tuple[Reading, Reading]:
    source = node.source()
    source.open(FEATURE_SCHEMA_V1.events)
    first = source.read()
    node.advance(seconds)
    return first, source.read()


def vectors(node: SimulatedNode) -> tuple[FeatureVector, ...]:
    first, last = window(node)
    return vectors_between(first, last, node=node.name, topology=node.topology)


def feature(node: SimulatedNode, name: str) -> float:
    return vectors(node)[0].value(name)


def test_a_full_node_fills_every_feature() -> None:
    for vector in vectors(populated()):
        missing = [name for name in FEATURE_SCHEMA_V1.names if np.isnan(vector.value(name))]
        assert missing == []


def test_even_an_idle_node_fills_every_feature() -> None:
    for vector in vectors(SimulatedNode(name="spr-test", offer=FULL, seed=1)):
        assert vector.present_count == len(FEATURE_SCHEMA_V1)


def test_the_source_is_one_of_the_agents() -> None:
    source: CounterSource = populated().source()
    assert source.name == "simulated"
    assert source.open(FEATURE_SCHEMA_V1.events).events == COUNTED_EVENTS
    assert source.open(frozenset({"INST_RETIRED.ANY"})).events == {"INST_RETIRED.ANY"}
    assert [block.events for block in source.read().blocks] == [("INST_RETIRED.ANY",)]
    source.close()
    source.close()
    assert source.read().blocks == ()


def test_the_agent_observes_it_as_it_would_a_machine() -> None:
    node = populated()
    state = observe(
        [node.source()],
        node.topology,
        AgentSettings(node=node.name),
        window_seconds=10.0,
        clock=node.now,
        sleep=node.advance,
    )
    assert state.status is not None
    assert state.status.coverage.opened == state.status.coverage.wanted
    conditions = {condition.type: condition.status for condition in state.status.conditions}
    assert conditions[ConditionType.CHARACTERISED] is ConditionStatus.TRUE
    assert state.status.heartbeat == node.now()


def test_counters_never_run_backwards() -> None:
    node = populated()
    source = node.source()
    source.open(FEATURE_SCHEMA_V1.events)
    readings = []
    for seconds in (0.1, 1.0, 10.0, 600.0):
        readings.append(source.read())
        node.advance(seconds)
        node.set_clock(1.5 if node.clock_ratio < 1.0 else 0.6)
    for first, last in pairwise(readings):
        assert last.monotonic_ns - first.monotonic_ns == last.wall_ns - first.wall_ns > 0
        for before, after in zip(first.blocks, last.blocks, strict=True):
            assert before.counts.dtype == np.uint64
            assert (after.counts >= before.counts).all()
            assert (after.enabled_ns >= before.enabled_ns).all()
            assert (after.running_ns <= after.enabled_ns).all()


def test_the_same_seed_gives_the_same_counters_and_another_does_not() -> None:
    def counts(seed: int) -> list[np.ndarray]:
        return [block.counts for block in window(populated(seed=seed))[1].blocks]

    assert all((one == same).all() for one, same in zip(counts(3), counts(3), strict=True))
    assert any((one != other).any() for one, other in zip(counts(3), counts(4), strict=True))


@pytest.mark.parametrize("ratio", [0.6, 0.85, 1.2, 1.6])
def test_a_clock_changes_no_feature_that_is_free_of_it(ratio: float) -> None:
    slow, fast = vectors(populated()), vectors(populated(clock_ratio=ratio))
    for spec in FEATURE_SCHEMA_V1.features:
        for one, other in zip(slow, fast, strict=True):
            if spec.clock in {ClockClass.FREE, ClockClass.UNCORE}:
                assert one.value(spec.name) == pytest.approx(other.value(spec.name), rel=1e-5, abs=1e-6), spec.name


def test_a_faster_clock_waits_longer_for_memory_but_not_in_proportion() -> None:
    slow, fast = populated(clock_ratio=0.7), populated(clock_ratio=1.4)
    before, after = feature(slow, "memory_bound_share"), feature(fast, "memory_bound_share")
    assert 1.05 < after / before < 2.0


def test_a_clock_changes_no_slowdown() -> None:
    node = populated()
    before = {uid: node.true_slowdown(uid) for uid in ("upf-large", "firewall", "batch", "amf")}
    node.set_clock(0.7)
    assert {uid: node.true_slowdown(uid) for uid in before} == before


@pytest.mark.parametrize("node", simulated_nodes(seed=5), ids=lambda node: f"{node.name}-{node.offer.name}")
def test_features_are_missing_exactly_where_events_are(node: SimulatedNode) -> None:
    node.place("upf-large", workload("upf-large"), domain="socket0")
    node.place("cdn-cache", workload("cdn-cache"), domain="socket1")
    offered = node.offer.events | {name for name in FEATURE_SCHEMA_V1.events if name.startswith("NODE.")}
    for vector in vectors(node):
        for spec in FEATURE_SCHEMA_V1.features:
            can_be_had = any(events_of(formula) <= offered for formula in spec.formulas)
            misread = node.offer is ODD_BOXES and (vector.domain, spec.name) == ("socket0", "upi_utilisation")
            assert np.isnan(vector.value(spec.name)) is np.bool_(misread or not can_be_had), spec.name


def test_what_is_missing_is_said_with_errno_and_reason() -> None:
    for node in simulated_nodes(seed=1):
        opened = node.source().open(FEATURE_SCHEMA_V1.events)
        assert opened.events | {entry.event for entry in opened.missing} == COUNTED_EVENTS
        assert opened.events.isdisjoint(entry.event for entry in opened.missing)
        for entry in opened.missing:
            assert entry.errno.startswith("E")
            assert 10 < len(entry.reason) <= 160


def test_sixteen_nodes_differ_in_events_clocks_smt_and_cpu_policy() -> None:
    nodes = simulated_nodes(seed=1)
    assert [node.name for node in nodes] == [f"spr-{number:04d}" for number in range(16)]
    assert len({node.offer.name for node in nodes}) >= 7
    assert sum(node.offer is FULL for node in nodes) >= 5
    assert len({node.clock_ratio for node in nodes}) >= 5
    assert {node.topology.smt for node in nodes} == {True, False}
    assert {kind.cpu_policy for kind in NODE_KINDS} == set(CpuPolicy)
    assert all(node.topology.characterised for node in nodes)


def test_misread_boxes_are_left_out_and_spoil_nothing() -> None:
    odd, sane = populated(ODD_BOXES), populated()
    first, last = window(odd)
    assert rows_left_out(first, last) == 2
    for one, other in zip(
        vectors_between(first, last, node=odd.name, topology=odd.topology), vectors(sane), strict=True
    ):
        for name in ("dram_utilisation", "cha_miss_ratio"):
            assert one.value(name) == pytest.approx(other.value(name), rel=0.1)
        only_link_stuck = one.domain == "socket0"
        assert np.isnan(one.value("upi_utilisation")) is np.bool_(only_link_stuck)
        assert only_link_stuck or one.value("upi_utilisation") == pytest.approx(other.value("upi_utilisation"), rel=0.1)


def test_ceilings_fit_the_boxes_that_count_against_them() -> None:
    node = populated()
    for domain in node.topology.domains:
        by_commands = DRAM_COMMANDS_PER_CLOCK * DRAM_CLOCK_HZ * IMC_BOXES * LINE_BYTES
        assert domain.ceilings["NODE.DRAM_PEAK_BYTES_PER_SECOND"] == pytest.approx(by_commands)
        assert len(domain.cpus) == 2 * CORES_PER_SOCKET
        assert list(domain.cpus) == sorted(domain.cpus)


def test_a_saturated_memory_reads_as_saturated() -> None:
    node = node_with(Stressor(axis=Axis.MEMBW, intensity=1.0))
    assert 0.75 < feature(node, "dram_utilisation") <= 0.95
    assert feature(node, "read_queue_delay") > feature(node_with(workload("amf")), "read_queue_delay") + 1.0


def test_second_threads_read_as_overlap() -> None:
    quiet = node_with(workload("transcoder"))
    pressed = node_with(workload("transcoder"), Stressor(axis=Axis.SMT, intensity=1.0))
    assert feature(quiet, "smt_overlap") == pytest.approx(0.0, abs=1e-3)
    assert feature(pressed, "smt_overlap") > 0.3
    assert feature(pressed, "core_bound_share") > feature(quiet, "core_bound_share") + 0.05


def test_polling_hides_the_load_from_the_clocks() -> None:
    node = node_with(workload("upf-large"))
    first, last = window(node)
    block = next(block for block in last.blocks if "CPU_CLK_UNHALTED.THREAD" in block.events)
    column = block.events.index("CPU_CLK_UNHALTED.THREAD")
    before = next(other for other in first.blocks if other.events == block.events)
    running = (block.running_ns - before.running_ns)[0] * 1e-9
    assert float(block.counts[0, column]) / running / 2.5e9 == pytest.approx(1.0, abs=0.15)
    assert node.flows.busy[0] < 0.5


def test_occupants_come_and_go() -> None:
    node = SimulatedNode(name="spr-test", offer=FULL, seed=1)
    assert node.free_cores("socket0") == CORES_PER_SOCKET
    node.place("a", workload("upf-large"), domain="socket0")
    node.place("b", Stressor(axis=Axis.MEMBW, intensity=0.5), domain="socket0")
    assert list(node.occupants("socket0")) == ["a", "b"]
    assert node.occupants("socket1") == {}
    assert node.free_cores("socket0") == CORES_PER_SOCKET - 4 - 10
    node.remove("b")
    assert node.free_cores("socket0") == CORES_PER_SOCKET - 4
    assert node.true_slowdown("a") == pytest.approx(1.0, abs=1e-9)


def test_what_cannot_be_placed_is_refused() -> None:
    node = SimulatedNode(name="spr-test", offer=FULL, seed=1)
    for index in range(4):
        node.place(str(index), workload("upf-large"), domain="socket0")
    with pytest.raises(PlacementError, match="late wants 2 cores and 0 are free"):
        node.place("late", workload("firewall"), domain="socket0")
    assert "late" not in node.occupants("socket0")
    with pytest.raises(PlacementError, match="0 already runs on spr-test"):
        node.place("0", workload("firewall"), domain="socket1")
    with pytest.raises(PlacementError, match="no domain 'socket2': there are socket0, socket1"):
        node.place("late", workload("firewall"), domain="socket2")
    with pytest.raises(PlacementError, match="nobody called late runs on spr-test"):
        node.remove("late")


def test_without_smt_no_smt_stressor() -> None:
    node = SimulatedNode(name="spr-test", offer=FULL, seed=1, threads_per_core=1)
    with pytest.raises(PlacementError, match="no SMT"):
        node.place("stressor", Stressor(axis=Axis.SMT, intensity=0.5), domain="socket0")
    node.place("upf", workload("upf-large"), domain="socket0")
    assert feature(node, "smt_overlap") == pytest.approx(0.0, abs=0.02)


def test_threads_that_are_handed_out_one_by_one_meet_on_cores() -> None:
    node = SimulatedNode(name="spr-test", offer=FULL, seed=1, cpu_policy=CpuPolicy.ACROSS_CORES)
    for index in range(4):
        node.place(str(index), workload("transcoder"), domain="socket0")
    assert node.true_slowdown("0") < 1.05
    node.place("late", workload("transcoder"), domain="socket0")
    assert node.true_slowdown("0") > 1.5
    assert node.true_slowdown("1") < 1.05
    assert feature(node, "smt_overlap") > 0.2


@pytest.mark.parametrize("known", WORKLOADS, ids=lambda known: known.name)
def test_an_indicator_is_measured_with_noise_around_the_truth(known: Workload) -> None:
    node = node_with(known)
    alone = np.median([_measured(node) for _ in range(30)])
    node.place("stressor", Stressor(axis=Axis.MEMBW, intensity=0.8), domain="socket0")
    together = np.median([_measured(node) for _ in range(30)])
    ratio = alone / together if known.indicator is IndicatorKind.THROUGHPUT else together / alone
    assert ratio == pytest.approx(node.true_slowdown(VICTIM), rel=0.02)


def _measured(node: SimulatedNode) -> float:
    node.advance(1.0)
    return node.indicator(VICTIM)


def test_an_indicator_needs_time_and_a_workload() -> None:
    node = node_with(workload("amf"), Stressor(axis=Axis.LLC, intensity=0.5))
    with pytest.raises(TestbedError, match="no indicator yet: advance spr-test first"):
        node.indicator(VICTIM)
    node.advance(1.0)
    assert node.indicator(VICTIM) == node.indicator(VICTIM)
    with pytest.raises(TestbedError, match="is a stressor and has no indicator"):
        node.indicator("other-1")
    with pytest.raises(TestbedError, match="is a stressor and has no indicator"):
        node.true_slowdown("other-1")
    with pytest.raises(PlacementError, match="nobody called ghost"):
        node.true_slowdown("ghost")


def test_time_moves_forward_and_clocks_stay_possible() -> None:
    node = populated()
    with pytest.raises(TestbedError, match=r"can't advance by 0\.0 s"):
        node.advance(0.0)
    with pytest.raises(TestbedError, match=r"clock ratio 3\.0 is out of reach: 0\.5 to 1\.6 is meant"):
        node.set_clock(3.0)
