"""Whose word counts: the pod's annotation, its namespace's policy, everybody's."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.regime import Regime
from scheduler_extender.pod import Enforcement, Pod, parse_pod
from scheduler_extender.policy import LeewardPolicy, NamespacePolicy, UnknownRegime
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.standing import Standing
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build
from tests.unit.scheduler_extender.small_cluster import (
    QUIET,
    Domain,
    args,
    newcomer,
    node_state,
    pod_object,
    publish,
    scores_in,
)

POLICY = LeewardPolicy(
    max_slowdown=1.5,
    namespaces={
        "core": NamespacePolicy(max_slowdown=1.1, enforcement=Enforcement.REQUIRED),
        "edge": NamespacePolicy(enforcement=Enforcement.REQUIRED),
    },
)


def pod(**changes: Any) -> Pod:
    return parse_pod(json.dumps(pod_object("u", **{"node": "n", **changes})))


def settings(**policy: Any) -> ExtenderSettings:
    return UNHURRIED.model_copy(update={"leeward_policy": LeewardPolicy(**policy)})


def test_tolerance_is_the_annotation_else_the_namespaces_else_the_default() -> None:
    own = pod(annotations={"leeward.dev/max-slowdown": "3"}, namespace="core")
    found = [POLICY.tolerance_of(one) for one in (own, pod(namespace="core"), pod(namespace="edge"), pod())]
    assert found == [3, 1.1, 1.5, 1.5]


def test_enforcement_is_the_annotation_else_the_namespaces_else_the_default() -> None:
    own = pod(annotations={"leeward.dev/enforcement": "preferred"}, namespace="core")
    assert [POLICY.requires(one) for one in (own, pod(namespace="core"), pod(namespace="edge"), pod())] == [
        False,
        True,
        True,
        False,
    ]
    assert LeewardPolicy(enforcement=Enforcement.REQUIRED).requires(pod())


def test_finished_unbound_and_background_pods_are_no_residents() -> None:
    unbound = parse_pod(json.dumps(pod_object("u")))
    others = [pod(phase="Succeeded"), pod(phase="Failed"), pod(namespace="kube-system"), unbound]
    assert [POLICY.is_resident(one) for one in (pod(), *others)] == [True, False, False, False, False]


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.text(min_size=1, max_size=20))
def test_a_larger_share_never_lets_a_pod_out_of_the_shadow(one: float, other: float, profile: str) -> None:
    found = pod(profile=profile)
    smaller, larger = sorted((one, other))
    if LeewardPolicy(shadow_share=smaller).is_shadowed(found):
        assert LeewardPolicy(shadow_share=larger).is_shadowed(found)
    assert LeewardPolicy(shadow_share=1.0).is_shadowed(found)
    assert not LeewardPolicy(shadow_share=0.0).is_shadowed(found)


def test_about_that_share_of_workloads_is_shadowed_and_replicas_alike() -> None:
    policy = LeewardPolicy(shadow_share=0.25)
    shadowed = [policy.is_shadowed(pod(profile=f"workload-{index}")) for index in range(2000)]
    assert 400 < sum(shadowed) < 600
    replicas = {policy.is_shadowed(parse_pod(json.dumps(pod_object(f"{index}")))) for index in range(50)}
    assert len(replicas) == 1


def test_a_namespace_may_require_what_its_pods_do_not_ask_for(three_nodes: Path, build: Build) -> None:
    strict = NamespacePolicy(max_slowdown=1.01, enforcement=Enforcement.REQUIRED)
    extender = build(settings(namespaces={"core": strict}))
    body = args(pod_object("u", namespace="core"), "spr-0001", "spr-0003")
    assert json.loads(extender.filter(body).content)["NodeNames"] == []
    body = args(pod_object("u", namespace="edge"), "spr-0001", "spr-0003")
    assert json.loads(extender.filter(body).content)["NodeNames"] == ["spr-0001", "spr-0003"]


def test_an_undecided_node_is_scored_by_its_bound_where_nothing_is_said() -> None:
    assert LeewardPolicy().unknown_regime is UnknownRegime.BOUND


@pytest.mark.parametrize("by", UnknownRegime)
def test_a_node_of_unknown_regime_scores_as_the_policy_says(three_nodes: Path, build: Build, by: UnknownRegime) -> None:
    publish(three_nodes, node_state("spr-0004", Domain(regime=Regime.UNKNOWN, pressed=0.05)), node_state("n5", QUIET))
    extender = build(settings(unknown_regime=by))
    found = extender.scores(newcomer(), ("spr-0004", "n5"))
    assert extender.explanation(newcomer(), ("spr-0004", "n5")).nodes[0].standing is Standing.UNDECIDED
    assert (found["spr-0004"] == found["n5"]) is (by is UnknownRegime.BOUND)
    assert (found["spr-0004"] == NEUTRAL_LOW) is (by is UnknownRegime.NEUTRAL)


def test_a_shadowed_pod_is_placed_as_if_nobody_had_judged_it(three_nodes: Path, build: Build) -> None:
    extender = build(settings(shadow_share=1.0))
    demands = {"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.0"}
    body = args(pod_object("u", annotations=demands), "spr-0001", "spr-0003")
    assert json.loads(extender.filter(body).content)["NodeNames"] == ["spr-0001", "spr-0003"]
    assert set(scores_in(extender.prioritize(body)).values()) == {NEUTRAL_LOW}
    explained = json.loads(extender.explain(body).content)
    assert explained["shadowed"]
    assert len({node["score"] for node in explained["nodes"]}) == 2
