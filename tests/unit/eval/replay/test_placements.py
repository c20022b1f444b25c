"""Which pods were placed while somebody looked on; and all that can be wrong with what was recorded."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.replay.errors import RecordingError
from eval.replay.placements import Life, Period, Survey, survey
from eval.replay.reading import Recording
from eval.replay.recorded_decisions import copy_decisions, recorded_decisions
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from scheduler_extender.decisions import DECISIONS
from tests.unit.eval.replay.site import (
    Told,
    at,
    decision_of,
    gone,
    node,
    pod,
    record,
    state,
    two_nodes,
    whole,
    write_decisions,
)


def look(directory: Path, *told: Told, **options: Any) -> tuple[Survey, Counter[Trouble]]:
    """Record, and look through all that is recorded."""
    if told:
        record(directory, *told)
    troubles: Counter[Trouble] = Counter()
    found = survey(
        Recording(directory),
        recorded_decisions([directory], troubles),
        period=options.get("period", Period()),
        background=("kube-system",),
        troubles=troubles,
    )
    return found, +troubles


def placed(found: Survey) -> list[tuple[str, str]]:
    return [(placement.uid, placement.node) for placement in found.placements]


def test_a_pod_that_is_bound_while_somebody_looks_on_is_a_placement(tmp_path: Path) -> None:
    found, troubles = look(tmp_path, *two_nodes(), pod(5, "a"), pod(6, "a", node="calm"), pod(7, "b", node="noisy"))
    assert placed(found) == [("a", "calm"), ("b", "noisy")]
    assert [placement.at for placement in found.placements] == [at(6), at(7)]
    assert (found.there_before, found.began, found.until) == (1, at(0), at(7))
    assert found.events == {Kind.NODE: 2, Kind.POD: 4, Kind.NODE_STATE: 2, Kind.WHOLE: 1}
    assert not troubles


def test_a_pod_that_changes_later_is_placed_once_and_its_end_is_known(tmp_path: Path) -> None:
    told = (pod(5, "a", node="calm"), pod(6, "a", node="calm", started=at(6)), pod(9, "a", node="calm", phase="Failed"))
    found, troubles = look(tmp_path, *two_nodes(), *told, pod(10, "b", node="calm"), gone(12, Kind.POD, "b"))
    assert placed(found) == [("a", "calm"), ("b", "calm")]
    assert found.lives["router", "calm"] == {"a": Life(began=at(5), ended=at(9)), "b": Life(began=at(10), ended=at(12))}
    assert found.lives["batch", "noisy"] == {"noise": Life(began=None, ended=None)}
    assert not troubles


def test_a_session_that_goes_on_is_no_second_arrival_and_what_came_meanwhile_was_not_seen(tmp_path: Path) -> None:
    record(tmp_path, *two_nodes(), pod(5, "a", node="calm"), pod(6, "left", node="calm"), pod(7, "waiting"))
    again = (
        node(100, "noisy"),
        node(100, "calm"),
        pod(
            100,
            "noise",
            node="noisy",
            profile="batch",
            started=at(-3600),
            annotations={"leeward.dev/max-slowdown": "9"},
        ),
        pod(100, "a", node="calm"),
        pod(100, "waiting", node="calm"),
        pod(100, "meanwhile", node="noisy"),
        state(100, "calm"),
        whole(101),
        pod(102, "b", node="calm"),
    )
    record(tmp_path, *again, session=99)
    found, troubles = look(tmp_path)
    assert placed(found) == [("a", "calm"), ("left", "calm"), ("b", "calm")]
    assert troubles == {Trouble.UNSEEN: 2}
    assert {uid: life.ended for uid, life in found.lives["router", "calm"].items()} == {
        "a": None,
        "left": at(101),
        "waiting": None,
        "b": None,
    }
    assert found.there_before == 1


def test_whom_no_scheduler_chose_a_node_for_is_not_judged(tmp_path: Path) -> None:
    of_daemon_set = pod(5, "agent", node="calm")
    of_daemon_set[3]["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "agents"}]
    static = pod(6, "etcd", node="calm", annotations={"kubernetes.io/config.hash": "5f3b"})
    background = pod(7, "dns", node="calm", namespace="kube-system")
    found, troubles = look(tmp_path, *two_nodes(), of_daemon_set, static, background)
    assert not found.placements
    assert troubles == {Trouble.NOT_CHOSEN: 2, Trouble.BACKGROUND: 1}


def test_a_pod_seen_long_after_its_binding_is_not_judged(tmp_path: Path) -> None:
    def bound(uid: str, seen: float, scheduled: float) -> Told:
        told = pod(seen, uid, node="calm")
        time = at(scheduled).strftime("%Y-%m-%dT%H:%M:%SZ")
        told[3]["status"]["conditions"] = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": time}]
        return told

    found, troubles = look(tmp_path, *two_nodes(), bound("soon", 10, 9), bound("late", 900, 100))
    assert placed(found) == [("soon", "calm")]
    assert troubles == {Trouble.LATE: 1}


def test_a_pod_on_a_node_that_nobody_recorded_or_that_has_nothing_is_not_judged(tmp_path: Path) -> None:
    bare = node(2, "bare", cpus="0")
    found, troubles = look(tmp_path, *two_nodes(), bare, pod(5, "a", node="elsewhere"), pod(6, "b", node="bare"))
    assert not found.placements
    assert troubles == {Trouble.UNKNOWN_NODE: 2}


def test_what_was_told_twice_or_never_seen_or_cant_be_read_is_counted(tmp_path: Path) -> None:
    torn = (5.0, Kind.POD, "torn", b'{"metadata": {}}')
    odd = (
        5.0,
        Kind.POD,
        "odd",
        json.dumps({"metadata": {"name": "o"}, "spec": {"overhead": {"cpu": "much"}}}).encode(),
    )
    no_node = (5.0, Kind.NODE, "torn", b"[]")
    twice = (pod(6, "a", node="calm"), pod(6, "a", node="calm"))
    found, troubles = look(
        tmp_path,
        *two_nodes(),
        torn,
        odd,
        no_node,
        *twice,
        node(7, "calm"),
        gone(8, Kind.POD, "ghost"),
        gone(9, Kind.POD, "a"),
    )
    assert placed(found) == [("a", "calm")]
    assert troubles == {
        Trouble.REFUSED_POD: 2,
        Trouble.REFUSED_NODE: 1,
        Trouble.TWICE: 2,
        Trouble.GONE_UNSEEN: 1,
    }


def test_a_session_that_was_killed_before_it_had_all_is_counted_and_places_nobody(tmp_path: Path) -> None:
    found, troubles = look(tmp_path, node(0, "calm"), pod(1, "a", node="calm"))
    assert not found.placements
    assert troubles == {Trouble.NEVER_WHOLE: 1}


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(RecordingError, match="is empty: the recorder saw nothing, or was killed at once"):
        look(tmp_path)


def test_placements_outside_what_is_asked_about_are_left_out(tmp_path: Path) -> None:
    told = (*two_nodes(), *(pod(second, f"p{second}", node="calm") for second in (5, 6, 7, 8)))
    found, troubles = look(tmp_path, *told, period=Period(since=at(6), until=at(7)))
    assert placed(found) == [("p6", "calm"), ("p7", "calm")]
    assert not troubles


def test_a_placement_is_judged_when_the_extender_judged_it(tmp_path: Path) -> None:
    """The binding is seen as the last of five events of that second; two of them came after the judgement."""
    told = [
        *two_nodes(),
        pod(10.1, "x"),
        pod(10.2, "y"),
        state(10.3, "calm"),
        pod(10.4, "z"),
        pod(10.5, "a", node="calm"),
    ]
    write_decisions(tmp_path, decision_of("a", 10.25))
    found, troubles = look(tmp_path, *told)
    (placement,) = found.placements
    assert (placement.at, placement.judged, placement.before) == (at(10.5), at(10.25), len(told) - 3)
    assert placement.decision is not None
    assert not troubles


def test_without_a_decision_of_that_time_it_is_judged_when_it_was_seen(tmp_path: Path) -> None:
    told = [*two_nodes(), pod(700, "a", node="calm"), pod(701, "b", node="calm")]
    write_decisions(tmp_path, decision_of("a", 20))
    found, troubles = look(tmp_path, *told)
    assert [(one.judged, one.before, one.decision) for one in found.placements] == [
        (at(700), len(told) - 2, None),
        (at(701), len(told) - 1, None),
    ]
    assert troubles == {Trouble.NO_DECISION: 2}


def test_a_judgement_from_after_the_binding_was_seen_moves_nothing(tmp_path: Path) -> None:
    write_decisions(tmp_path, decision_of("a", 11))
    found, _ = look(tmp_path, *two_nodes(), pod(10, "a", node="calm"), pod(12, "b"))
    (placement,) = found.placements
    assert (placement.judged, placement.before) == (at(11), len(two_nodes()))


def test_decisions_without_a_pod_and_pods_without_a_decision_are_counted(tmp_path: Path) -> None:
    write_decisions(
        tmp_path,
        decision_of("a", 5),
        decision_of("stranger", 6),
        decision_of("long-before", -9000),
        decision_of("c", 8),
    )
    told = (pod(5, "a", node="calm"), pod(7, "b", node="calm"), pod(9, "c", node="calm", namespace="kube-system"))
    found, troubles = look(tmp_path, *two_nodes(), *told)
    assert found.decisions == 3
    assert troubles == {Trouble.NO_POD: 2, Trouble.NO_DECISION: 1, Trouble.BACKGROUND: 1}


def test_of_several_decisions_on_a_pod_the_last_counts_and_torn_ones_are_counted(tmp_path: Path) -> None:
    write_decisions(
        tmp_path, decision_of("a", 5, score=1), b'{"version": 9}\n', decision_of("b", 5), folder="replica-0"
    )
    write_decisions(
        tmp_path, decision_of("a", 6, score=2), decision_of("b", 5), b'{"version": 2, "dec', folder="replica-1"
    )
    troubles: Counter[Trouble] = Counter()
    found = recorded_decisions([tmp_path, tmp_path / "nothing"], troubles)
    assert {uid: decision.score for uid, decision in found.items()} == {"a": 2, "b": 3}
    assert +troubles == {Trouble.DECISION_UNREADABLE: 2, Trouble.DECISION_TWICE: 1}


def test_decisions_are_copied_over_those_that_were_copied_before(tmp_path: Path) -> None:
    extender, recording = tmp_path / "extender", tmp_path / "recording"
    recording.mkdir()
    assert copy_decisions(extender, recording) == 0
    assert not (recording / DECISIONS).exists()
    write_decisions(extender, decision_of("a", 5))
    assert copy_decisions(extender, recording) == 1
    write_decisions(extender, decision_of("a", 5), decision_of("b", 6))
    assert copy_decisions(extender, recording) == 1
    assert recorded_decisions([recording], Counter()).keys() == {"a", "b"}
