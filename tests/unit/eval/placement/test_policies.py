from collections.abc import Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.once import observe
from agent.settings import AgentSettings
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from eval.placement.agents import Agents
from eval.placement.cluster import Cluster
from eval.placement.oracle import OraclePolicy
from eval.placement.random_choice import RandomPolicy
from eval.placement.regime_only import RegimeScores, regime_score
from eval.placement.telemetry_policy import LatestStates, TelemetryPolicy
from eval.placement.threshold import is_busy, threshold_scores
from eval.testbed.catalogue import workload
from eval.testbed.kubelet import pod_placement
from tests.unit.eval.placement.pieces import arrival, cluster_of


def agents_of(cluster: Cluster, latest: LatestStates) -> Agents:
    return Agents(cluster, publisher=latest, window_seconds=10.0, heartbeat_seconds=120.0)


def state_with(features: Mapping[str, float | None]) -> NodeState:
    node = cluster_of("a").nodes["a"]
    state = observe([node.source()], node.topology, AgentSettings(node="a"), clock=node.now, sleep=node.advance)
    assert state.status is not None
    values = [None] * len(FEATURE_SCHEMA_V1)
    domains = tuple(
        domain.model_copy(
            update={
                "features": tuple(
                    features.get(name, value) for name, value in zip(FEATURE_SCHEMA_V1.names, values, strict=True)
                )
            }
        )
        for domain in state.status.domains
    )
    return state.model_copy(update={"status": state.status.model_copy(update={"domains": domains})})


def test_the_oracle_avoids_the_node_whose_resident_would_be_hurt() -> None:
    cluster = cluster_of("calm", "crowded")
    for index in range(3):
        cluster.place(arrival("upf-large", uid=f"upf-{index}", max_slowdown=1.1), "crowded")
    assert OraclePolicy(cluster).choose(arrival("batch", max_slowdown=3.0), ["crowded", "calm"]) == "calm"


def test_the_oracle_looks_for_the_fewest_new_violations_before_the_worst_party() -> None:
    cluster = cluster_of("hopeless", "tight")
    cluster.place(arrival("upf-large", uid="doomed", max_slowdown=1.0), "hopeless")
    cluster.place(arrival("batch", uid="noise", max_slowdown=9.0), "hopeless")
    cluster.place(arrival("upf-large", uid="fine", max_slowdown=1.05), "tight")
    assert OraclePolicy(cluster).choose(arrival("batch", max_slowdown=9.0), ["hopeless", "tight"]) == "hopeless"


NAMES = ("batch", "amf", "upf-large", "udr")


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([None, 0, 1]), st.booleans()), max_size=12))
def test_what_the_oracle_remembers_is_what_it_would_find_now(steps: list[tuple[str, int | None, bool]]) -> None:
    cluster = cluster_of("a", "b", "c")
    remembering = OraclePolicy(cluster)
    there: list[str] = []
    for number, (name, nic, somebody_leaves) in enumerate(steps):
        if somebody_leaves and there:
            cluster.remove(there[0])
            remembering.ended(there.pop(0))
        coming = arrival(name, uid=f"pod-{number}", nic=nic, max_slowdown=1.2)
        feasible = cluster.feasible(coming)
        chosen = remembering.choose(coming, feasible)
        assert chosen == OraclePolicy(cluster).choose(coming, feasible)
        assert chosen is not None
        cluster.place(coming, chosen)
        remembering.bound(coming, chosen)
        there.append(coming.uid)


def test_a_domain_is_busy_from_a_threshold_up_and_a_missing_value_is_not() -> None:
    assert is_busy(state_with({"dram_utilisation": 0.6}))
    assert is_busy(state_with({"l3_miss_ratio": 0.95, "dram_utilisation": None}))
    assert not is_busy(state_with({"dram_utilisation": 0.59, "l3_miss_ratio": 0.49}))
    assert not is_busy(state_with({}))
    assert not is_busy(None)


def test_the_threshold_policy_leaves_the_busy_node_alone_though_it_has_more_room() -> None:
    cluster = cluster_of("busy", "crowded")
    for index in range(3):
        cluster.place(arrival("batch", uid=f"batch-{index}", nic=0), "busy")
    for index in range(7):
        cluster.place(arrival("transcoder", uid=f"coder-{index}"), "crowded")
    cluster.now_seconds = 60.0
    latest = LatestStates()
    policy = TelemetryPolicy(
        cluster,
        agents=agents_of(cluster, latest),
        latest=latest,
        scores=threshold_scores,
        rng=np.random.default_rng(1),
    )
    assert policy.choose(arrival("amf"), ["busy", "crowded"]) == "crowded"
    assert [is_busy(latest.states[name]) for name in ("busy", "crowded")] == [True, False]
    assert policy.choose(arrival("amf"), ["busy"]) == "busy"


def test_at_random_every_node_with_room_is_as_likely() -> None:
    policy = RandomPolicy(np.random.default_rng(3))
    drawn = [policy.choose(arrival("amf"), ["a", "b", "c"]) for _ in range(300)]
    assert min(drawn.count(name) for name in "abc") > 70


def pressed(state: NodeState, probability: float) -> NodeState:
    assert state.status is not None
    first, second = state.status.domains
    axes = first.axes.model_copy(update={"llc": probability})
    domains = (first, second.model_copy(update={"axes": axes}))
    return state.model_copy(update={"status": state.status.model_copy(update={"domains": domains})})


def test_by_regimes_alone_a_node_scores_as_its_most_pressed_domain() -> None:
    state = state_with({})
    assert [regime_score(pressed(state, share)) for share in (0.0, 0.32, 1.0)] == [10, 7, 0]
    assert regime_score(None) == 3


def test_by_regimes_alone_the_pressed_node_is_left_to_others() -> None:
    cluster, latest = cluster_of("a", "b"), LatestStates()
    policy = TelemetryPolicy(
        cluster,
        agents=agents_of(cluster, latest),
        latest=latest,
        scores=RegimeScores(),
        rng=np.random.default_rng(1),
    )
    latest.states = {"a": pressed(state_with({}), 0.9), "b": pressed(state_with({}), 0.1)}
    assert policy.choose(arrival("amf"), ["a", "b"]) == "b"


class Counted:
    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []

    def publish(self, state: NodeState) -> None:
        assert state.status is not None
        end = state.status.domains[0].window.end
        self.published.append((state.metadata.name, f"{end:%M:%S}"))


def test_agents_publish_at_once_on_a_change_once_a_window_is_over_and_else_as_a_heartbeat() -> None:
    cluster, counted = cluster_of("a", "b"), Counted()
    agents = Agents(cluster, publisher=counted, window_seconds=10.0, heartbeat_seconds=120.0)

    def published_at(seconds: float) -> list[tuple[str, str]]:
        cluster.now_seconds = seconds
        counted.published.clear()
        agents.report()
        return list(counted.published)

    assert published_at(15.0) == [("a", "00:15"), ("b", "00:15")]
    cluster.place(arrival("amf"), "a")
    assert published_at(20.0) == []
    assert published_at(27.0) == [("a", "00:27")]
    assert published_at(40.0) == []
    assert published_at(136.0) == [("b", "02:16")]
    assert published_at(148.0) == [("a", "02:28")]


class Kept:
    def __init__(self) -> None:
        self.states: list[NodeState] = []

    def publish(self, state: NodeState) -> None:
        self.states.append(state)


def test_a_heartbeat_is_of_a_window_of_its_own() -> None:
    cluster, kept = cluster_of("a"), Kept()
    agents = Agents(cluster, publisher=kept, window_seconds=10.0, heartbeat_seconds=120.0)
    cluster.place(arrival("udr"), "a")
    for now in (15.0, 140.0):
        cluster.now_seconds = now
        agents.report()
    first, second = (state.status for state in kept.states)
    assert first is not None
    assert second is not None
    assert (second.heartbeat - first.heartbeat).total_seconds() == 125.0
    for before, after in zip(first.domains, second.domains, strict=True):
        assert (after.window.start - before.window.start).total_seconds() == 125.0
        assert (after.window.end - before.window.end).total_seconds() == 125.0
        assert after.features != before.features
    cluster.place(arrival("batch", uid="late"), "a")
    cluster.now_seconds = 151.0
    agents.report()
    changed = kept.states[-1].status
    assert changed is not None
    assert changed.domains[0].features != second.domains[0].features
    assert "late" in changed.domains[0].pods


def test_what_an_agent_tells_is_what_one_window_from_open_to_close_tells() -> None:
    cluster, twin, kept = cluster_of("a"), cluster_of("a").nodes["a"], Kept()
    agents = Agents(cluster, publisher=kept, window_seconds=10.0, heartbeat_seconds=120.0)
    cluster.place(arrival("udr"), "a")
    twin.place("pod-0000", workload("udr"), domain="socket0")
    for now, short in ((15.0, 5.0), (140.0, 115.0)):
        cluster.now_seconds = now
        agents.report()
        twin.advance(short)
        told = observe(
            [twin.source()],
            twin.topology,
            AgentSettings(node="a"),
            pods=pod_placement(twin),
            window_seconds=10.0,
            clock=twin.now,
            sleep=twin.advance,
        )
        assert kept.states[-1] == told
