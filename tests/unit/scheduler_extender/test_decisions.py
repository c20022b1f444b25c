"""What is written of a pod once it is bound: what was judged, what the scheduler chose, and what Leeward would have."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.errors import ContractError
from scheduler_extender.decisions import (
    BEST_NAMED,
    DECISIONS,
    FILE,
    PENDING,
    UNWRITTEN,
    Decision,
    DecisionWriter,
    read_decisions,
)
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.service import Extender
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build, StoppedClock
from tests.unit.scheduler_extender.small_cluster import (
    NOW,
    QUIET,
    TOLERANT,
    args,
    node_state,
    place,
    pod_object,
    publish,
)

THREE = ("spr-0001", "spr-0002", "spr-0003")


def bind(extender: Extender, state: Path, uid: str, node: str) -> None:
    place(state, pod_object(uid, node=node, annotations=TOLERANT))
    extender.refresh()


def written(extender: Extender, state: Path) -> list[Decision]:
    writer = DecisionWriter(state / DECISIONS)
    extender.write_decisions(writer)
    writer.close()
    return read_decisions(state / DECISIONS)


def ask(extender: Extender, uid: str, *nodes: str) -> None:
    body = args(pod_object(uid, annotations=TOLERANT), *(nodes or THREE))
    extender.filter(body)
    assert extender.prioritize(body).status == 200


def test_a_decision_says_what_was_chosen_and_what_would_have_been(
    three_nodes: Path, build: Build, clock: StoppedClock
) -> None:
    extender = build()
    ask(extender, "a")
    clock.now = NOW + timedelta(seconds=5)
    bind(extender, three_nodes, "a", "spr-0001")
    (found,) = written(extender, three_nodes)
    assert (found.pod, found.uid, found.workload) == ("default/pod-a", "a", "upf-large")
    assert (found.decided, found.nodes, found.failed, found.shadowed) == (NOW, 3, 0, False)
    assert (found.node, found.best) == ("spr-0001", ("spr-0003",))
    assert found.score is not None
    assert found.score < found.best_score
    assert found.ratio is not None
    assert found.best_ratio is not None
    assert found.ratio > found.best_ratio
    assert found.champion.startswith("sha256:")


def test_a_decision_names_each_partys_bound_as_it_was_before_the_pod_came(three_nodes: Path, build: Build) -> None:
    place(three_nodes, pod_object("resident", node="spr-0001", profile="transcode", started=NOW - timedelta(hours=1)))
    extender = build()
    ask(extender, "a")
    body = args(pod_object("a", annotations=TOLERANT), "spr-0001")
    explained = json.loads(extender.explain(body).content)["nodes"][0]["parties"]
    bind(extender, three_nodes, "a", "spr-0001")
    (found,) = written(extender, three_nodes)
    assert {(party.uid, party.newcomer, party.node) for party in found.parties} == {
        ("a", True, "spr-0001"),
        ("resident", False, "spr-0001"),
    }
    assert sorted((party.domain, party.workload, party.bound, party.tolerance) for party in found.parties) == sorted(
        (party["domain"], party["workload"], party["bound"], party["tolerance"]) for party in explained
    )


def test_a_line_of_the_first_version_is_read(three_nodes: Path, build: Build) -> None:
    extender = build()
    ask(extender, "a")
    bind(extender, three_nodes, "a", "spr-0001")
    (found,) = written(extender, three_nodes)
    first = {key: value for key, value in json.loads(found.to_json()).items() if key != "parties"} | {"version": 1}
    (three_nodes / DECISIONS / FILE).write_text(json.dumps(first) + "\n")
    (read,) = read_decisions(three_nodes / DECISIONS)
    assert read == found.model_copy(update={"version": 1, "parties": ()})


def test_what_a_shadowed_pod_would_have_been_told_is_kept(three_nodes: Path, build: Build) -> None:
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": LeewardPolicy(shadow_share=1.0)}))
    demanding = {"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.0"}
    body = args(pod_object("a", annotations=demanding), *THREE)
    extender.filter(body)
    extender.prioritize(body)
    bind(extender, three_nodes, "a", "spr-0001")
    (found,) = written(extender, three_nodes)
    assert (found.shadowed, found.required, found.failed) == (True, True, 3)
    assert extender.metrics.value("placements_total", shadowed="true") == 1


def test_only_some_of_many_best_nodes_are_named_and_in_order(three_nodes: Path, build: Build) -> None:
    alike = [f"alike-{index}" for index in range(3 * BEST_NAMED)]
    publish(three_nodes, *(node_state(name, QUIET) for name in alike))
    extender = build()
    ask(extender, "a", *reversed(alike))
    bind(extender, three_nodes, "a", alike[-1])
    (found,) = written(extender, three_nodes)
    assert found.best == tuple(sorted(alike)[:BEST_NAMED])
    assert found.score == found.best_score


def test_a_node_that_was_not_asked_about_has_no_score(three_nodes: Path, build: Build) -> None:
    extender = build()
    ask(extender, "a", "spr-0001", "never-heard-of")
    bind(extender, three_nodes, "a", "spr-0003")
    (found,) = written(extender, three_nodes)
    assert (found.score, found.ratio, found.nodes) == (None, None, 2)


def test_pods_that_were_not_judged_here_or_went_before_they_were_bound_leave_no_line(
    three_nodes: Path, build: Build
) -> None:
    extender = build()
    bind(extender, three_nodes, "unasked", "spr-0001")
    place(three_nodes, pod_object("gone"))
    extender.refresh()
    ask(extender, "gone")
    (three_nodes / "pods" / "gone.json").unlink()
    extender.refresh()
    bind(extender, three_nodes, "gone", "spr-0001")
    assert written(extender, three_nodes) == []


def test_each_binding_is_told_once(three_nodes: Path, build: Build) -> None:
    extender = build()
    ask(extender, "a")
    bind(extender, three_nodes, "a", "spr-0001")
    place(three_nodes, pod_object("a", node="spr-0001", annotations=TOLERANT, started=NOW))
    extender.refresh()
    assert len(written(extender, three_nodes)) == 1
    assert len(written(extender, three_nodes)) == 1


def test_what_waits_is_bounded(three_nodes: Path, build: Build) -> None:
    extender = build()
    for index in range(PENDING + 1):
        ask(extender, f"p{index}")
    bind(extender, three_nodes, "p0", "spr-0001")
    bind(extender, three_nodes, "p1", "spr-0001")
    assert [found.uid for found in written(extender, three_nodes)] == ["p1"]
    assert extender._decisions._lines.maxlen == UNWRITTEN


def test_a_disk_that_takes_nothing_is_counted_and_the_lines_stay(three_nodes: Path, build: Build) -> None:
    extender = build()
    ask(extender, "a")
    bind(extender, three_nodes, "a", "spr-0001")
    (three_nodes / DECISIONS).write_text("a file where the directory should be")
    extender.write_decisions(DecisionWriter(three_nodes / DECISIONS))
    assert extender.metrics.value("decision_failures_total") == 1
    (three_nodes / DECISIONS).unlink()
    assert len(written(extender, three_nodes)) == 1


def test_files_are_turned_over_and_read_in_order(tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.1").write_bytes(line("older"))
    (tmp_path / FILE).write_bytes(line("newer"))
    assert [found.uid for found in read_decisions(tmp_path)] == ["older", "newer"]
    (tmp_path / FILE).write_bytes(b"{")
    with pytest.raises(ContractError, match="Decision is refused"):
        read_decisions(tmp_path)


def line(uid: str) -> bytes:
    decision = Decision(
        decided=NOW,
        pod=f"default/{uid}",
        uid=uid,
        workload="upf",
        champion="",
        shadowed=False,
        tolerance=1.25,
        required=False,
        nodes=1,
        failed=0,
        node="n",
        score=None,
        ratio=None,
        best=(),
        best_score=3,
        best_ratio=None,
    )
    assert json.loads(decision.to_json())["version"] == 2
    return decision.to_json() + b"\n"
