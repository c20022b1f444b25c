"""An explanation for people."""

import json
from pathlib import Path

from scheduler_extender.explanation import summary
from scheduler_extender.pod import parse_pod
from tests.unit.scheduler_extender.conftest import Build, Promote
from tests.unit.scheduler_extender.small_cluster import PRESSED, QUIET, node_state, pod_object, publish


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
