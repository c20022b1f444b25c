"""Where the kubelet may put a pod: by its policy, and by the CPUs that are free."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.regime import Regime
from scheduler_extender.cluster import NODE_STATES, NODES, PODS, Cluster
from scheduler_extender.main import build_extender
from scheduler_extender.node import TOPOLOGY_POLICY
from scheduler_extender.pod import parse_pod
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.residents import households
from scheduler_extender.scoring import LOWEST, NEUTRAL_LOW
from scheduler_extender.telemetry import NodeTelemetry, telemetry_of
from scheduler_extender.topology import TopologyPolicy, landing_places
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build, Promote, StoppedClock
from tests.unit.scheduler_extender.small_cluster import (
    NOW,
    QUIET,
    TOLERANT,
    Domain,
    args,
    newcomer,
    node_state,
    pod_object,
    publish,
    said,
    scores_in,
)
from tests.unit.scheduler_extender.test_lying_states import Following

NONE, BEST_EFFORT, RESTRICTED, SINGLE = TopologyPolicy

policies = st.sampled_from(TopologyPolicy)
cpus = st.integers(0, 12)
free = st.lists(st.none() | st.integers(0, 10), min_size=1, max_size=8)


QUIET_NODE = telemetry_of(node_state("n", QUIET))


def telemetry(*free_cpus: int | None) -> NodeTelemetry:
    assert QUIET_NODE is not None
    (domain,) = QUIET_NODE.domains
    domains = tuple(replace(domain, name=f"d{place}", free_exclusive_cpus=each) for place, each in enumerate(free_cpus))
    return replace(QUIET_NODE, domains=domains)


def places(free_cpus: list[int | None], wanted: int, policy: TopologyPolicy) -> set[int]:
    return set(landing_places(telemetry(*free_cpus), wanted, policy))


@pytest.mark.parametrize(
    ("free_cpus", "wanted", "expected"),
    [
        ([8, 8], 4, {NONE: [0, 1], BEST_EFFORT: [0, 1], RESTRICTED: [0, 1], SINGLE: [0, 1]}),
        ([2, 8], 4, {NONE: [0, 1], BEST_EFFORT: [1], RESTRICTED: [1], SINGLE: [1]}),
        ([0, 8], 4, {NONE: [1], BEST_EFFORT: [1], RESTRICTED: [1], SINGLE: [1]}),
        ([2, 0, 3], 4, {NONE: [0, 2], BEST_EFFORT: [0, 2], RESTRICTED: [0, 2], SINGLE: []}),
        ([0, 0], 4, {NONE: [0, 1], BEST_EFFORT: [0, 1], RESTRICTED: [0, 1], SINGLE: []}),
        ([None, 2], 4, {NONE: [0, 1], BEST_EFFORT: [0], RESTRICTED: [0], SINGLE: [0]}),
        ([0, 1], 0, {NONE: [0, 1], BEST_EFFORT: [0, 1], RESTRICTED: [0, 1], SINGLE: [0, 1]}),
    ],
    ids=["room in both", "room in one", "one is full", "only together", "all full", "nobody can tell", "shared pool"],
)
def test_each_policy_takes_what_it_may(
    free_cpus: list[int | None], wanted: int, expected: dict[TopologyPolicy, list[int]]
) -> None:
    found = {policy: landing_places(telemetry(*free_cpus), wanted, policy) for policy in TopologyPolicy}
    assert found == expected


@settings(deadline=None)
@given(free, cpus, policies)
def test_only_a_single_numa_node_without_room_leaves_no_domain(
    free_cpus: list[int | None], wanted: int, policy: TopologyPolicy
) -> None:
    found = places(free_cpus, wanted, policy)
    assert found <= set(range(len(free_cpus)))
    has_room = any(each is None or each >= wanted for each in free_cpus)
    assert bool(found) is (policy is not SINGLE or has_room)


@settings(deadline=None)
@given(free, cpus)
def test_a_stricter_policy_never_adds_a_domain(free_cpus: list[int | None], wanted: int) -> None:
    by_policy = [places(free_cpus, wanted, policy) for policy in (SINGLE, RESTRICTED, BEST_EFFORT, NONE)]
    assert all(stricter <= looser for stricter, looser in pairwise(by_policy))


@settings(deadline=None)
@given(free, cpus, policies, st.integers(0, 7), st.integers(1, 10))
def test_a_domain_that_may_take_a_pod_still_may_with_more_free_cpus(
    free_cpus: list[int | None], wanted: int, policy: TopologyPolicy, which: int, more: int
) -> None:
    which %= len(free_cpus)
    before = free_cpus[which]
    if which in places(free_cpus, wanted, policy) and before is not None:
        freed = [*free_cpus[:which], before + more, *free_cpus[which + 1 :]]
        assert which in places(freed, wanted, policy)


@settings(deadline=None)
@given(free, st.integers(1, 12), st.integers(0, 12))
def test_on_a_single_numa_node_a_larger_pod_never_finds_more_room(
    free_cpus: list[int | None], wanted: int, more: int
) -> None:
    assert places(free_cpus, wanted + more, SINGLE) <= places(free_cpus, wanted, SINGLE)


CROWDED = node_state("spr-0004", Domain(free=3), Domain(pressure=0.85, regime=Regime.MEMBW, pressed=0.95, free=2))


@pytest.mark.parametrize("policy", TopologyPolicy)
def test_a_node_whose_kubelet_would_reject_the_pod_scores_lowest_and_passes_the_filter(
    three_nodes: Path, build: Build, policy: TopologyPolicy
) -> None:
    publish(three_nodes, CROWDED)
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": LeewardPolicy(topology_policy=policy)}))
    strict = {**TOLERANT, "leeward.dev/enforcement": "required"}
    asked = pod_object("u", cpus="4", annotations=strict)
    node = json.loads(extender.explain(args(asked, "spr-0003", "spr-0004")).content)["nodes"][1]
    candidates = [domain["candidate"] for domain in node["domains"]]
    assert node["topology_policy"] == policy
    passed = json.loads(extender.filter(args(asked, "spr-0003", "spr-0004")).content)["NodeNames"]
    scores = scores_in(extender.prioritize(args(asked, "spr-0003", "spr-0004")))
    assert scores["spr-0004"] == node["score"]
    if policy is SINGLE:
        assert (node["standing"], node["score"], candidates) == ("no_room", LOWEST, [False, False])
        assert (node["parties"], passed) == ([], ["spr-0003", "spr-0004"])
    else:
        assert (node["standing"], candidates) == ("known", [True, True])
        assert (len(node["parties"]), passed) == (2, ["spr-0003"])
    shared = newcomer(cpus="500m")
    assert extender.explanation(shared, ["spr-0004"]).nodes[0].standing == "known"


def test_a_node_that_had_no_room_is_no_better_and_no_worse_than_others_once_it_is_stale(
    three_nodes: Path, build: Build, clock: StoppedClock
) -> None:
    policy = LeewardPolicy(topology_policy=TopologyPolicy.SINGLE_NUMA_NODE)
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": policy}))
    clock.now = NOW + timedelta(seconds=301)
    publish(three_nodes, CROWDED, node_state("spr-0003", QUIET, seen=clock.now))
    extender.refresh()
    assert extender.scores(newcomer(cpus="4"), ["spr-0003", "spr-0004"]) == {"spr-0003": 10, "spr-0004": NEUTRAL_LOW}
    assert extender.explanation(newcomer(cpus="4"), ["spr-0004"]).nodes[0].standing == "stale"


def test_where_no_node_has_room_all_score_lowest(three_nodes: Path, build: Build) -> None:
    policy = LeewardPolicy(topology_policy=TopologyPolicy.SINGLE_NUMA_NODE)
    publish(three_nodes, *(node_state(f"spr-000{index}", Domain(free=1)) for index in (1, 2, 3)))
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": policy}))
    names = ["spr-0001", "spr-0002", "spr-0003"]
    assert set(extender.scores(newcomer(cpus="4"), names).values()) == {LOWEST}
    assert extender.metrics.value("failures_total", verb="prioritize") == 0


@pytest.fixture
def stubs() -> Iterator[dict[str, ApiStub]]:
    with api_stubs(NODE_STATES.path, NODES.path, PODS.path) as found:
        yield found


@pytest.fixture
def extender(state: Path, promote: Promote, clock: StoppedClock, stubs: dict[str, ApiStub]) -> Iterator[Following]:
    """An extender that follows the stub; it takes over what is new when asked to ``refresh``."""
    promote("1")
    cluster = Cluster(stubs[PODS.path].server)
    found = Following(build_extender(state, UNHURRIED, clock=clock, following=True), cluster)
    cluster.follow(lambda: None)
    try:
        yield found
    finally:
        for stub in stubs.values():
            stub.end_watches()
        cluster.close()


def test_a_nodes_label_comes_before_the_default_and_its_change_counts(
    extender: Following, stubs: dict[str, ApiStub], caplog: pytest.LogCaptureFixture
) -> None:
    def label(**labels: str) -> None:
        stubs[NODES.path].put("n", metadata={"creationTimestamp": "2026-11-01T00:00:00Z", "labels": labels})

    def explained() -> Any:
        extender.refresh()
        (node,) = extender.itself.explanation(newcomer(cpus="4"), ["n"]).nodes
        return node.standing, node.topology_policy, [domain.candidate for domain in node.domains]

    lopsided = json.loads(node_state("n", Domain(free=3), Domain(free=1)).to_json())
    stubs[NODE_STATES.path].put("n", status=lopsided["status"], apiVersion="leeward.dev/v1", kind="NodeState")
    label(**{TOPOLOGY_POLICY: "single-numa-node"})
    eventually(lambda: explained() == ("no_room", SINGLE, [False, False]))
    label(**{TOPOLOGY_POLICY: "none"})
    eventually(lambda: explained() == ("known", NONE, [True, True]))
    label(**{TOPOLOGY_POLICY: "tight"})
    eventually(lambda: explained() == ("known", BEST_EFFORT, [True, True]))
    assert said(caplog, "label-refused") == [
        "node n: label leeward.dev/topology-policy is 'tight': one of none, best-effort, restricted, single-numa-node "
        "is meant, so the default holds"
    ]
    label()
    eventually(lambda: explained() == ("known", BEST_EFFORT, [True, True]))


def test_a_pod_just_placed_where_the_kubelet_would_reject_it_counts_until_it_has_failed() -> None:
    placed = parse_pod(json.dumps(pod_object("u", node="n", cpus="4")))
    homes = households(telemetry(3, 1), [placed], SINGLE)
    assert [[pod.uid for pod in home.pods] for home in homes] == [["u"], ["u"]]
