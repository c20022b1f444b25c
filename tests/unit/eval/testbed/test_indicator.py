import numpy as np
import pytest
from hypothesis import given, settings

from contracts.features import FEATURE_SCHEMA_V1
from contracts.slowdown import IndicatorKind
from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.cluster import simulated_nodes
from eval.testbed.equilibrium import equilibrium
from eval.testbed.indicator import indicators
from eval.testbed.node import SimulatedNode
from eval.testbed.queueing import latency_in_services
from eval.testbed.scene import arrays_of
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload
from tests.unit.eval.testbed.crowds import PARTITIONED_NODES
from tests.unit.eval.testbed.scenes import node_with


@settings(deadline=None, max_examples=40)
@given(PARTITIONED_NODES)
def test_all_slowdowns_at_once_are_those_of_one_after_another(node: SimulatedNode) -> None:
    running = {
        uid
        for domain in ("socket0", "socket1")
        for uid, occupant in node.occupants(domain).items()
        if not isinstance(occupant, Stressor)
    }
    assert node.true_slowdowns() == {uid: node.true_slowdown(uid) for uid in running}


@pytest.mark.parametrize("known", WORKLOADS, ids=lambda known: known.name)
def test_an_indicator_is_the_rate_or_the_latency_of_the_equilibrium(known: Workload) -> None:
    scene = node_with(known, workload("batch")).scene
    flows, arrays = equilibrium(scene), arrays_of(scene)
    if known.indicator is IndicatorKind.THROUGHPUT:
        expected = flows.rate[0] / known.request_kinstructions
    else:
        load = arrays.offered[0] * flows.service_ns[0] * 1e-9 / arrays.serving[0]
        stay = latency_in_services(np.array([load]), arrays.places[:1])[0]
        expected = flows.service_ns[0] * stay * known.request_kinstructions * 1e-3
    assert indicators(scene, {0: known})[0] == pytest.approx(expected, rel=1e-12)


def test_counters_read_late_are_those_read_all_along() -> None:
    for now_and_then, at_the_end in zip(simulated_nodes(seed=5), simulated_nodes(seed=5), strict=True):
        for node in (now_and_then, at_the_end):
            source = node.source()
            source.open(FEATURE_SCHEMA_V1.events)
            for uid, name in enumerate(("udr", "batch", "upf-large")):
                node.place(str(uid), workload(name), domain="socket0")
                node.advance(7.0)
                if node is now_and_then:
                    source.read()
            node.remove("1")
            node.advance(3.0)
        one, other = (node.source() for node in (now_and_then, at_the_end))
        for source in (one, other):
            source.open(FEATURE_SCHEMA_V1.events)
        assert (now_and_then.wall_ns, now_and_then.indicator("2")) == (at_the_end.wall_ns, at_the_end.indicator("2"))
        for early, late in zip(one.read().blocks, other.read().blocks, strict=True):
            assert (early.events, early.counts.tolist()) == (late.events, late.counts.tolist())
            assert early.running_ns.tolist() == late.running_ns.tolist()
