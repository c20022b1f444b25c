import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.errors import EvaluationError
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.leeward import LeewardPolicy
from eval.placement.pods import extender_args, pod_object
from eval.placement.settings import PlacementSettings
from scheduler_extender.pod import parse_pod
from scheduler_extender.wire import parse_args
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from tests.unit.eval.placement.pieces import arrival, cluster_of
from tests.unit.serving.small_bundle import graphs, manifest, profile

PROFILES = (
    profile("amf", pressure=0.1, sensitivity=1.2),
    profile("router", pressure=0.2, sensitivity=1.2),
    profile("batch", pressure=0.9, sensitivity=1.0),
)
"""In the small bundle, slowdowns rise with the highest co-runner's LLC pressure: the batch job is the noisy one."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    source = tmp_path / "trained"
    digest = write_bundle(source, manifest=manifest(ceiling=10.0), graphs=graphs(), profiles=PROFILES)
    install_champion(tmp_path / "state", source, model="leeward", version="1", digest=digest)
    return tmp_path / "state"


def policy_on(cluster: Cluster, state: Path) -> LeewardPolicy:
    return LeewardPolicy(cluster, state=state, settings=PlacementSettings(), rng=np.random.default_rng(1))


def place(cluster: Cluster, policy: LeewardPolicy, newcomers: Sequence[tuple[Arrival, str]]) -> None:
    for newcomer, node in newcomers:
        cluster.place(newcomer, node)
        policy.bound(newcomer, node)


def test_agents_publish_and_the_extender_steers_away_from_the_noise(state: Path) -> None:
    cluster = cluster_of("noisy", "crowded")
    policy = policy_on(cluster, state)
    cluster.now_seconds = 20.0
    place(cluster, policy, [(arrival("batch", uid="noise"), "noisy")])
    place(cluster, policy, [(arrival("amf", uid=f"amf-{index}"), "crowded") for index in range(5)])
    cluster.now_seconds = 60.0
    assert policy.choose(arrival("router", uid="new"), ["noisy", "crowded"]) == "crowded"
    assert {found.status.bundle_digest for found in policy.node_states.values() if found.status} == {
        policy.bundle_digest
    }


def test_a_pod_counts_from_when_it_is_bound_though_no_window_has_seen_it(state: Path) -> None:
    cluster = cluster_of("one", "two")
    policy = policy_on(cluster, state)
    cluster.now_seconds = 20.0
    assert policy.choose(arrival("router", uid="early"), ["one", "two"]) in {"one", "two"}
    place(cluster, policy, [(arrival("batch", uid="noise"), "one"), (arrival("amf", uid="calm"), "two")])
    cluster.now_seconds = 21.0
    assert policy.choose(arrival("router", uid="new"), ["one", "two"]) == "two"


def published(policy: LeewardPolicy, node: str) -> dict[str, tuple[str, ...]]:
    found = policy.node_states[node]
    assert found.status is not None
    return {domain.name: domain.pods for domain in found.status.domains}


def test_a_node_state_names_whom_its_window_saw_and_nobody_who_came_later(state: Path) -> None:
    cluster = cluster_of("one")
    policy = policy_on(cluster, state)
    cluster.now_seconds = 20.0
    place(cluster, policy, [(arrival("amf", uid="first"), "one")])
    cluster.now_seconds = 40.0
    policy.choose(arrival("amf", uid="second", nic=1), ["one"])
    place(cluster, policy, [(arrival("amf", uid="second", nic=1), "one")])
    cluster.now_seconds = 45.0
    policy.choose(arrival("amf", uid="third"), ["one"])
    assert published(policy, "one") == {"socket0": ("first",), "socket1": ()}
    cluster.now_seconds = 50.0
    policy.choose(arrival("amf", uid="third"), ["one"])
    assert published(policy, "one") == {"socket0": ("first",), "socket1": ("second",)}


def test_who_lives_on_the_other_socket_is_no_neighbour_once_a_window_has_seen_it(state: Path) -> None:
    cluster = cluster_of("apart", "together")
    policy = policy_on(cluster, state)
    newcomer = arrival("amf", uid="new", max_slowdown=9.0)

    def choices() -> set[str | None]:
        return {policy.choose(newcomer, ["apart", "together"]) for _ in range(12)}

    cluster.now_seconds = 20.0
    for node, socket in (("apart", 1), ("together", 0)):
        noise = arrival("batch", uid=f"noise-{node}", max_slowdown=9.0, nic=0)
        victim = arrival("router", uid=f"victim-{node}", max_slowdown=1.1, nic=socket)
        place(cluster, policy, [(noise, node), (victim, node)])
    assert choices() == {"apart", "together"}
    cluster.now_seconds = 40.0
    assert choices() == {"apart"}


def test_a_pod_that_ended_counts_no_more(state: Path) -> None:
    cluster = cluster_of("one", "two")
    policy = policy_on(cluster, state)
    cluster.now_seconds = 20.0
    place(cluster, policy, [(arrival("batch", uid="noise"), "one"), (arrival("amf", uid="calm"), "two")])
    cluster.now_seconds = 40.0
    assert policy.choose(arrival("router", uid="new"), ["one", "two"]) == "two"
    cluster.remove("noise")
    policy.ended("noise")
    cluster.now_seconds = 60.0
    assert policy.choose(arrival("router", uid="new"), ["one", "two"]) == "one"


def test_without_a_champion_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has no champion: train first"):
        policy_on(cluster_of("one"), tmp_path)


def test_a_pod_is_what_the_extender_reads_as_such() -> None:
    newcomer = arrival("router", uid="pod-7", max_slowdown=1.15, gibibytes=12)
    pod = parse_pod(json.dumps(pod_object(newcomer)))
    assert (pod.key, pod.uid, pod.max_slowdown, pod.exclusive_cpus) == ("router", "pod-7", 1.15, 3)
    assert (pod.node, pod.started, pod.complaints) == ("", None, ())
    args = parse_args(extender_args(newcomer, ["a", "b"]), limit_bytes=10_000)
    assert (args.pod, list(args.names), args.whole_nodes) == (pod, ["a", "b"], None)


def test_a_newer_window_of_the_same_residents_counts_as_it_does_in_a_live_extender(state: Path) -> None:
    cluster = cluster_of("one", "two")
    policy = policy_on(cluster, state)
    cluster.now_seconds = 20.0
    place(cluster, policy, [(arrival("batch", uid="noise"), "one")])
    newcomer = arrival("router", uid="new")
    knowledge = policy._extender._knowledge
    for seconds in (60.0, 200.0, 400.0):
        cluster.now_seconds = seconds
        policy.choose(newcomer, ["one", "two"])
        assert knowledge.forecasts is not None
        kept = knowledge.forecasts.kept(knowledge.forecasts.book.of("router"), newcomer.demand.cpus)
        rows = knowledge.view.rows
        assert rows["present"].all()
        assert (kept.rows["revision"][: len(rows)] == rows["revision"]).all()
