"""The cluster as a recording tells it: what is there, what is requested, and where a pod would fit."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.replay.reading import Event, Recording
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from eval.replay.world import KnownPod, World, known_pod
from tests.unit.eval.replay.site import BUSY, Told, at, gone, node, pod, record, reduced, state, two_nodes, whole

GIBIBYTE = 2**30


def world_of(*told: Told) -> tuple[World, Counter[Trouble]]:
    troubles: Counter[Trouble] = Counter()
    world = World(troubles)
    for event in events(*told):
        world.take_over(event)
    return world, troubles


def events(*told: Told) -> list[Event]:
    return [
        Event(at=at(seconds), kind=kind, name=name, content=reduced(kind, found), session=0)
        for seconds, kind, name, found in told
    ]


def newcomer(**changes: Any) -> KnownPod:
    found = pod(0, "new", **changes)[3]
    content = reduced(Kind.POD, found)
    assert content is not None
    return known_pod(content)


def test_pods_hold_what_they_request_from_their_binding_to_their_end() -> None:
    world, _ = world_of(*two_nodes(), pod(5, "a"), pod(6, "a", node="calm"), pod(7, "b", node="calm", cpus="1500m"))
    assert world.requested("calm", scored=False) == {"cpu": 5500, "memory": 2 * GIBIBYTE, "pods": 2}
    world.take_over(events(pod(8, "a", node="calm", phase="Succeeded"))[0])
    world.take_over(events(gone(9, Kind.POD, "b"))[0])
    assert not +Counter(world.requested("calm", scored=False))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "calm", "noisy", "gone", "done"])), max_size=25))
def test_whatever_happens_what_is_requested_is_the_sum_over_the_pods_that_are_there(
    steps: list[tuple[str, str]],
) -> None:
    told: list[Told] = list(two_nodes()[:2])
    for number, (uid, where) in enumerate(steps):
        match where:
            case "gone":
                told.append(gone(number, Kind.POD, uid))
            case "done":
                told.append(pod(number, uid, node="calm", phase="Failed"))
            case _:
                told.append(pod(number, uid, node=where))
    world, _ = world_of(*told)
    for name in ("calm", "noisy"):
        there = [known for known in world.pods.values() if known.pod.node == name and not known.pod.finished]
        expected = {"cpu": 4000 * len(there), "memory": GIBIBYTE * len(there), "pods": len(there)}
        assert +Counter(world.requested(name, scored=False)) == +Counter(expected)


def test_a_pod_fits_where_all_that_it_requests_is_left() -> None:
    world, _ = world_of(node(0, "small", cpus="8"), node(0, "large"), pod(1, "a", node="small", cpus="4"), whole(2))
    assert world.feasible(newcomer(cpus="4")) == ["small", "large"]
    assert world.feasible(newcomer(cpus="4001m")) == ["large"]
    assert world.feasible(newcomer(cpus="65")) == []


def test_a_resource_that_a_node_has_not_got_is_no_room_and_of_pods_there_are_only_so_many() -> None:
    odd = newcomer()
    assert world_of(node(0, "spr-1"))[0].feasible(odd) == ["spr-1"]
    with_card = pod(0, "new")[3]
    with_card["spec"]["containers"][0]["resources"]["requests"]["intel.com/sriov"] = "1"
    content = reduced(Kind.POD, with_card)
    assert content is not None
    assert world_of(node(0, "spr-1"))[0].feasible(known_pod(content)) == []
    full = [pod(1, f"p{number}", node="spr-1", cpus="0") for number in range(110)]
    assert world_of(node(0, "spr-1"), *full)[0].feasible(odd) == []


def test_taints_and_selectors_keep_pods_off() -> None:
    tainted = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    world, _ = world_of(
        node(0, "control", taints=tainted),
        node(0, "cordoned", unschedulable=True),
        node(0, "spr-1", labels={"zone": "a"}),
    )
    assert world.feasible(newcomer()) == ["spr-1"]
    choosy = pod(0, "new")[3]
    choosy["spec"] |= {"nodeSelector": {"zone": "b"}, "tolerations": [{"operator": "Exists"}]}
    content = reduced(Kind.POD, choosy)
    assert content is not None
    assert world.feasible(known_pod(content)) == []


def test_news_are_of_each_object_the_last_and_told_once() -> None:
    world, _ = world_of(
        *two_nodes(), pod(5, "a"), pod(6, "a", node="calm"), state(7, "calm", BUSY), gone(8, Kind.NODE, "noisy")
    )
    news = world.news()
    assert {change.name: change.value is None for change in news.nodes.changed} == {"noisy": True, "calm": False}
    assert {change.name: change.value and change.value.node for change in news.pods.changed} == {
        "noise": "noisy",
        "a": "calm",
    }
    assert len(news.node_states.changed) == 2
    again = world.news()
    assert not any((again.nodes.changed, again.pods.changed, again.node_states.changed, again.refused))


def test_a_state_that_cant_be_believed_is_refused_as_the_extender_would_and_the_last_good_one_stays() -> None:
    good = state(1, "calm")
    torn = (2.0, Kind.NODE_STATE, "calm", b'{"metadata": {"name": "calm"}, "status": {"domains": 3}}')
    other = (3.0, Kind.NODE_STATE, "calm", b'{"apiVersion": "leeward.dev/v9", "metadata": {"name": "calm"}}')
    world, troubles = world_of(node(0, "calm"), good, torn)
    assert world.state("calm").state == good[3]
    (refused,) = world.news().refused
    assert refused.name == "calm"
    assert not refused.other_contract
    world.take_over(events(other)[0])
    assert [refusal.other_contract for refusal in world.news().refused] == [True]
    assert troubles == {Trouble.REFUSED_STATE: 2}
    world.take_over(events(state(4, "calm"))[0])
    assert not world.news().refused


def test_a_state_told_twice_counts_once() -> None:
    world, troubles = world_of(node(0, "calm"), whole(1), state(2, "calm"))
    world.take_over(events(state(2, "calm"))[0])
    assert troubles == {Trouble.STATE_TWICE: 1}


def test_what_a_later_session_does_not_find_is_gone(tmp_path: Path) -> None:
    record(tmp_path, *two_nodes(), pod(2, "a", node="calm"))
    record(tmp_path, node(100, "calm"), state(100, "calm"), whole(101), session=99)
    troubles: Counter[Trouble] = Counter()
    world = World(troubles)
    for event in Recording(tmp_path).events(troubles):
        world.take_over(event)
    assert (set(world.nodes), set(world.pods)) == ({"calm"}, set())
    assert (world.state("noisy").state, world.state("calm").state is None) == (None, False)
    assert not +Counter(world.requested("calm", scored=False))
    assert not +troubles


@pytest.mark.parametrize("content", [b"{", b'{"metadata": {"name": "calm"}}'])
def test_a_node_that_cant_be_read_leaves_what_was_known_of_it(content: bytes) -> None:
    world, troubles = world_of(node(0, "calm"), (1.0, Kind.NODE, "calm", content))
    assert "calm" in world.nodes
    assert troubles == {Trouble.REFUSED_NODE: 1}
