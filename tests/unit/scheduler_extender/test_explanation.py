"""An explanation for people."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler_extender.explanation import summary
from scheduler_extender.pod import parse_pod
from scheduler_extender.pod_report import decode_report, told
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.service import Extender
from scheduler_extender.standing import Standing
from scheduler_extender.topology import TopologyPolicy
from tests.unit.scheduler_extender.conftest import UNHURRIED, Build, Promote, StoppedClock
from tests.unit.scheduler_extender.small_cluster import (
    NODES,
    NOW,
    PRESSED,
    QUIET,
    TOLERANT,
    Domain,
    node_state,
    place,
    pod_object,
    publish,
    put,
)


def test_a_summary_names_who_decides_on_each_node_the_best_first(state: Path, promote: Promote, build: Build) -> None:
    promote("1")
    publish(state, node_state("a", PRESSED), node_state("b", QUIET))
    pod = parse_pod(json.dumps(pod_object("new", annotations={"leeward.dev/max-slowdown": "2.5"})))
    explanation = build().explanation(pod, ["a", "b", "c"])
    head, *lines = summary(explanation).splitlines()
    assert head == "default/pod-new (upf-large) tolerates 2.5"
    bounds = {entry.node: entry.parties[0].bound for entry in explanation.nodes if entry.parties}
    assert [line.split()[1] for line in lines] == ["b", "c", "a"]
    assert lines[0] == f" 10  b  default/pod-new on socket0 up to {bounds['b']:.2f}, tolerates 2.5"
    assert lines[1] == "  3  c  no NodeState"
    assert summary(explanation, ["c"]).splitlines() == [head, lines[1]]


def lines(extender: Extender, pod: dict[str, Any], *nodes: str) -> list[str]:
    return summary(extender.explanation(parse_pod(json.dumps(pod)), nodes)).splitlines()


STRICT = {"leeward.dev/max-slowdown": "1.1", "leeward.dev/enforcement": "required"}
FIGURES = re.compile(
    r"(?P<who>\S+) on socket0 up to (?P<bound>[\d.]+), tolerates (?P<tolerance>[\d.]+) \((?P<ratio>[\d.]+) "
)


def test_a_pod_that_waits_is_told_how_far_it_is_from_each_node_the_closest_first(
    three_nodes: Path, build: Build
) -> None:
    head, how_many, *found = lines(build(), pod_object("new", annotations=STRICT), *NODES[1:4])
    assert head == "default/pod-new (upf-large) tolerates 1.1, required"
    assert how_many.startswith("policy rules out 3 of 3 nodes: it waits until somebody named below tolerates more")
    assert [line.split()[1] for line in found] == ["spr-0003", "spr-0002", "spr-0001"]
    figures = [match for line in found if (match := FIGURES.search(line))]
    assert all("  ruled out: default/pod-new on socket0" in line for line in found)
    for match in figures:
        assert match["who"] == "default/pod-new"
        assert float(match["ratio"]) == pytest.approx(float(match["bound"]) / float(match["tolerance"]), abs=0.01)
    ratios = [float(match["ratio"]) for match in figures]
    assert len(ratios) == 3
    assert ratios == sorted(ratios)


def test_a_node_is_ruled_out_in_the_name_of_the_resident_who_requires_its_tolerance(
    three_nodes: Path, build: Build
) -> None:
    lax, strict = {"leeward.dev/max-slowdown": "1.01"}, {**STRICT, "leeward.dev/max-slowdown": "1.3"}
    place(
        three_nodes,
        pod_object("lax", node="spr-0003", annotations=lax),
        pod_object("strict", node="spr-0003", annotations=strict),
    )
    extender = build()
    newcomer = pod_object("new", profile="transcode", annotations=TOLERANT)
    _, how_many, first, last = lines(extender, newcomer, "spr-0002", "spr-0003")
    assert how_many == "policy rules out 1 of 2 nodes"
    assert "  spr-0002  default/pod-new on socket0 up to " in first
    assert "  spr-0003  ruled out: default/pod-strict on socket0 up to " in last
    both = pod_object("new", profile="upf-large", annotations={**STRICT, "leeward.dev/max-slowdown": "1.2"})
    assert "  spr-0003  ruled out: default/pod-new on " in lines(extender, both, "spr-0003")[-1]


def test_a_pod_in_the_shadow_is_told_what_would_have_been(three_nodes: Path, build: Build) -> None:
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": LeewardPolicy(shadow_share=1.0)}))
    _, how_many, first, *_ = lines(extender, pod_object("new", annotations=STRICT), *NODES[1:4])
    assert how_many == "policy would rule out 3 of 3 nodes; it is only looked at"
    assert "  ruled out: " in first


def test_a_refused_node_is_among_those_that_a_waiting_pod_is_told_of(three_nodes: Path, build: Build) -> None:
    foreign = json.loads(node_state("spr-0009", QUIET).to_json())
    foreign["status"]["featureSchema"] = "sha256:" + "0" * 64
    put(three_nodes / "nodestates" / "spr-0009.json", json.dumps(foreign).encode())
    place(three_nodes, pod_object("waiting", annotations=TOLERANT))
    report = decode_report(build().explain_pod("default/pod-waiting").content)
    assert report.explanation is not None
    node = {entry.node: entry for entry in report.explanation.nodes}["spr-0009"]
    assert (node.standing, node.age_seconds) == (Standing.OTHER_CONTRACT, None)
    assert "the vectors' schema is sha256:000" in told(report)


def test_what_is_not_believed_is_said_before_what_was_last_seen(
    three_nodes: Path, build: Build, clock: StoppedClock
) -> None:
    extender = build()
    put(three_nodes / "nodestates" / "spr-0003.json", b"{")
    clock.now = NOW + timedelta(seconds=301)
    extender.refresh()
    text = "\n".join(lines(extender, pod_object("new", annotations=TOLERANT), *NODES[2:5]))
    assert "  spr-0002  NodeState is stale; last seen 301 s ago: default/pod-new on socket0 up to " in text
    assert "spr-0003.json is refused: NodeState is refused: document: Invalid JSON" in text
    assert "; last seen 301 s ago: default/pod-new on socket0" in text.split("spr-0003.json")[1]
    assert "  spr-0004  no NodeState" in text


def test_a_node_without_room_says_so(three_nodes: Path, build: Build) -> None:
    publish(three_nodes, node_state("spr-0004", Domain(free=1), Domain(free=3)))
    policy = LeewardPolicy(topology_policy=TopologyPolicy.SINGLE_NUMA_NODE)
    extender = build(UNHURRIED.model_copy(update={"leeward_policy": policy}))
    assert lines(extender, pod_object("new", annotations=TOLERANT), "spr-0003", "spr-0004")[-1] == (
        "  0  spr-0004  no domain has the CPUs, and the kubelet takes them from one alone"
    )
