"""The extender in process: what it answers, and from what."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler_extender.pod import parse_pod
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.service import Extender
from scheduler_extender.standing import Standing
from tests.unit.scheduler_extender.conftest import Build, StoppedClock
from tests.unit.scheduler_extender.small_cluster import (
    NODES,
    NOW,
    PRESSED,
    QUIET,
    TOLERANT,
    args,
    captured,
    newcomer,
    node_state,
    place,
    pod_object,
    publish,
    said,
    scores_in,
)
from tests.unit.scheduler_extender.test_wire import BODIES


def content_of(state: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("body", [body for body in BODIES if body.startswith("prioritize")])
def test_the_least_contended_node_wins_for_every_captured_body(three_nodes: Path, build: Build, body: str) -> None:
    found = scores_in(build().prioritize(captured(body)))
    raw = json.loads(captured(body))
    assert list(found) == (raw["NodeNames"] or [node["metadata"]["name"] for node in raw["Nodes"]["items"]])
    assert max(found, key=lambda name: found[name]) == "spr-0003"
    assert found["spr-0003"] > found["spr-0002"] > found["spr-0001"]
    assert {score for name, score in found.items() if name not in ("spr-0001", "spr-0002", "spr-0003")} == {NEUTRAL_LOW}


@pytest.mark.parametrize("body", [body for body in BODIES if body.startswith("filter")])
def test_without_a_champion_every_captured_filter_passes_all(state: Path, build: Build, body: str) -> None:
    publish(state, node_state("spr-0001", PRESSED))
    raw, found = json.loads(captured(body)), json.loads(build().filter(captured(body)).content)
    assert (found["NodeNames"], (found["Nodes"] or {}).get("items")) == (
        raw["NodeNames"],
        (raw["Nodes"] or {}).get("items"),
    )
    assert (found["FailedNodes"], found["FailedAndUnresolvableNodes"], found["Error"]) == ({}, {}, "")


def test_an_empty_state_scores_all_alike(build: Build) -> None:
    extender = build()
    found = scores_in(extender.prioritize(captured("prioritize-upf-names-5000")))
    assert len(found) == 5000
    assert set(found.values()) == {NEUTRAL_LOW}
    assert extender.health().mode == "neutral"


def test_a_state_that_is_not_there_is_an_empty_one(state: Path, build: Build) -> None:
    state.rmdir()
    assert set(build().scores(newcomer(), NODES).values()) == {NEUTRAL_LOW}


def test_a_bad_request_is_refused_and_leaves_everything_as_it_was(three_nodes: Path, build: Build) -> None:
    extender = build()
    before = content_of(three_nodes)
    good = extender.prioritize(captured("prioritize-upf-names-16")).content
    bad = [b"not JSON", b'{"NodeNames": []}', args(pod_object("u"), "spr-0001", "No Node"), args({}, "spr-0001")]
    for body in bad:
        for verb in (extender.filter, extender.prioritize, extender.explain):
            answer = verb(body)
            assert answer.status == 400
            assert set(json.loads(answer.content)) == {"Error"}
    assert extender.prioritize(captured("prioritize-upf-names-16")).content == good
    assert content_of(three_nodes) == before
    assert extender.metrics.value("requests_total", verb="filter", status="400") == len(bad)


def test_nodes_nobody_has_reported_are_answered_for_and_named(
    three_nodes: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    extender = build()
    body = args(pod_object("u", annotations=TOLERANT), "spr-0003", "new-1", "new-2")
    answer = extender.prioritize(body)
    assert scores_in(answer) == {"spr-0003": 10, "new-1": NEUTRAL_LOW, "new-2": NEUTRAL_LOW}
    assert answer.warning == (
        "NodeNames names 2 of 3 nodes without a NodeState (new-1, new-2): they pass the filter and score low until an "
        "agent reports"
    )
    passed = extender.filter(body)
    assert json.loads(passed.content)["NodeNames"] == ["spr-0003", "new-1", "new-2"]
    assert passed.warning == answer.warning
    assert extender.metrics.value("unknown_nodes_total") == 2
    assert said(caplog, "nodes-without-state") == [answer.warning]
    assert not extender.prioritize(args(pod_object("u"), "spr-0003")).warning


def test_filter_passes_all_where_nothing_is_required(three_nodes: Path, build: Build) -> None:
    found = json.loads(build().filter(captured("filter-batch-names-16")).content)
    assert found["NodeNames"] == json.loads(captured("filter-batch-names-16"))["NodeNames"]


def test_filter_fails_the_nodes_that_a_required_newcomer_would_suffer_on(three_nodes: Path, build: Build) -> None:
    extender = build()
    strict = pod_object("u", annotations={"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "2.2"})
    found = json.loads(extender.filter(args(strict, "spr-0001", "spr-0003", "spr-0009")).content)
    assert found["NodeNames"] == ["spr-0003", "spr-0009"]
    assert found["FailedAndUnresolvableNodes"] == {
        "spr-0001": "contention may slow this pod down beyond the factor 2.2 that it tolerates: raise its "
        "leeward.dev/max-slowdown, or drop leeward.dev/enforcement"
    }
    assert extender.metrics.value("failed_nodes_total") == 1


def test_filter_fails_the_nodes_where_a_required_resident_would_suffer(three_nodes: Path, build: Build) -> None:
    required = {"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.05"}
    place(three_nodes, pod_object("u", node="spr-0003", annotations=required), pod_object("v", node="spr-0002"))
    found = json.loads(build().filter(args(pod_object("new", profile="transcode"), *NODES[1:4])).content)
    assert found["NodeNames"] == ["spr-0001", "spr-0002"]
    assert found["FailedAndUnresolvableNodes"] == {
        "spr-0003": "this pod may slow default/pod-u down beyond the factor 1.05 that it tolerates: raise that pod's "
        "leeward.dev/max-slowdown, or drop its leeward.dev/enforcement"
    }


def test_a_deleted_state_and_a_deleted_pod_are_forgotten(three_nodes: Path, build: Build) -> None:
    place(three_nodes, pod_object("u", node="spr-0003", profile="transcode"))
    extender = build()
    with_neighbour = extender.explanation(newcomer(), ["spr-0003"]).nodes[0]
    assert [party.pod for party in with_neighbour.parties if not party.newcomer] == ["default/pod-u"]
    (three_nodes / "pods" / "u.json").unlink()
    (three_nodes / "nodestates" / "spr-0002.json").unlink()
    extender.refresh()
    alone, gone = extender.explanation(newcomer(), ["spr-0003", "spr-0002"]).nodes
    assert [party.newcomer for party in alone.parties] == [True]
    assert gone.standing is Standing.ABSENT
    assert extender.health().nodes == 2


def test_an_annotation_that_cant_be_followed_is_said_and_counted(
    three_nodes: Path, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    extender = build()
    odd = pod_object("u", annotations={"leeward.dev/max-slowdown": "fast"})
    for _ in range(3):
        extender.prioritize(args(odd, "spr-0003"))
    assert extender.metrics.value("annotations_refused_total") == 3
    assert said(caplog, "annotation-refused") == [
        "pod default/pod-u: annotation leeward.dev/max-slowdown is 'fast': a number from 1 up is meant, so the default "
        "holds"
    ]
    assert extender.explanation(parse_pod(json.dumps(odd)), ["spr-0003"]).tolerance == 1.25


def test_an_explanation_names_each_party_with_its_bound_and_tolerance(three_nodes: Path, build: Build) -> None:
    place(
        three_nodes,
        pod_object("u", node="spr-0003", annotations={"leeward.dev/max-slowdown": "1.6"}),
        pod_object("v", node="spr-0003", profile="nobody-knows", started=NOW - timedelta(minutes=5)),
    )
    raw = json.loads(build().explain(args(pod_object("new"), "spr-0003", "spr-0009")).content)
    assert (raw["pod"], raw["workload"], raw["known"], raw["simulated"]) == ("default/pod-new", "upf-large", True, True)
    node, absent = raw["nodes"]
    assert (node["standing"], node["age_seconds"], node["domains"][0]["regime"]) == ("known", 0.0, "quiet")
    parties = {party["pod"]: party for party in node["parties"]}
    assert {name: (party["tolerance"], party["workload"], party["measured"]) for name, party in parties.items()} == {
        "default/pod-new": (1.25, "upf-large", False),
        "default/pod-u": (1.6, "upf-large", False),
        "default/pod-v": (1.25, "conservative", True),
    }
    ratios = [party["ratio"] for party in node["parties"]]
    assert ratios == sorted(ratios, reverse=True)
    assert all(party["ratio"] == pytest.approx(party["bound"] / party["tolerance"]) for party in node["parties"])
    assert (absent["standing"], absent["age_seconds"], absent["parties"]) == ("absent", None, [])


def test_explanations_are_asked_for_in_small_numbers(three_nodes: Path, build: Build) -> None:
    answer = build().explain(captured("prioritize-upf-names-500-of-5000"))
    assert answer.status == 400
    assert json.loads(answer.content)["Error"] == (
        "NodeNames names 500 nodes, at most 50 are explained at once: ask about fewer"
    )


def test_health_and_metrics_say_what_it_stands_on(three_nodes: Path, build: Build, clock: StoppedClock) -> None:
    extender: Extender = build()
    clock.now = NOW + timedelta(seconds=301)
    publish(three_nodes, node_state("spr-0004", QUIET, seen=clock.now))
    extender.refresh()
    health = extender.health()
    assert (health.mode, health.nodes, health.nodes_not_believed, health.workloads) == ("scoring", 4, 3, 3)
    assert (health.oldest_state_seconds, health.refreshed_seconds_ago) == (301.0, 0.0)
    extender.filter(captured("filter-batch-names-16"))
    text = extender.exposition()
    assert 'leeward_extender_requests_total{status="200",verb="filter"} 1.0\n' in text
    assert "leeward_extender_nodes_not_believed 3\n" in text
    assert "leeward_extender_failures_total 0.0\n" in text
