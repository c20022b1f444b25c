"""The routes on the real server: raw bodies, statuses, headers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_extender.settings import ExtenderSettings
from tests.unit.scheduler_extender.asking import Client, serving
from tests.unit.scheduler_extender.small_cluster import captured

SMALL = ExtenderSettings(body_limit_bytes=60_000)


@pytest.fixture
def client(state: Path) -> Iterator[Client]:
    with serving(state, SMALL) as port:
        yield Client(port)


def test_filter_and_prioritize_answer_json(client: Client) -> None:
    passed = client.answered("POST", "/filter", captured("filter-upf-names-16"))
    scored = client.answered("POST", "/prioritize", captured("prioritize-upf-names-16"))
    assert passed.headers["content-type"] == scored.headers["content-type"] == "application/json"
    assert len(passed.json["NodeNames"]) == len(scored.json) == 16


def test_unknown_nodes_are_named_in_a_warning_header(client: Client) -> None:
    answer = client.answered("POST", "/prioritize", captured("prioritize-upf-names-16"))
    assert answer.headers["warning"].startswith(
        '299 leeward "NodeNames names 16 of 16 nodes without a NodeState (spr-0'
    )


@pytest.mark.parametrize("verb", ["filter", "prioritize", "explain"])
def test_a_malformed_body_is_a_bad_request_with_one_sentence(client: Client, verb: str) -> None:
    answer = client.answered("POST", f"/{verb}", b'{"NodeNames": ["spr-0000"]}')
    assert answer.status == 400
    assert json.loads(answer.content) == {"Error": "body is no ExtenderArgs: Object missing required field `Pod`"}


def chunks() -> Iterator[bytes]:
    for _ in range(100):
        yield b" " * 1000


@pytest.mark.parametrize("body", [b" " * 60_001, chunks()], ids=["announced", "chunked"])
def test_a_body_over_the_limit_is_refused(client: Client, body: bytes | Iterator[bytes]) -> None:
    answer = client.answered("POST", "/filter", body)
    assert answer.status == 413
    assert "at most 60000 are taken" in json.loads(answer.content)["Error"]


def test_a_body_within_the_limit_is_not(client: Client) -> None:
    assert client.answered("POST", "/filter", captured("filter-upf-nodes-16")).status == 200


def test_5000_whole_nodes_of_10_kb_pass(state: Path) -> None:
    raw = json.loads(captured("filter-upf-nodes-16"))
    node = raw["Nodes"]["items"][0]
    node["metadata"]["annotations"]["padding"] = "x" * (10_000 - len(json.dumps(node)))
    items = []
    for index in range(5000):
        node["metadata"]["name"] = f"spr-{index:05}"
        items.append(json.dumps(node))
    text = f'{{"Pod": {json.dumps(raw["Pod"])}, "Nodes": {{"items": [{",".join(items)}]}}, "NodeNames": null}}'
    body = text.encode()
    assert len(body) > 50_000_000
    with serving(state, ExtenderSettings()) as port:
        client = Client(port)
        passed = client.answered("POST", "/filter", body)
        scored = client.answered("POST", "/prioritize", body)
    assert (passed.status, len(scored.json)) == (200, 5000)
    assert passed.content.count(b'"padding"') == 5000


def test_health_and_metrics_are_always_there(client: Client) -> None:
    health, metrics = client.get("/healthz"), client.answered("GET", "/metrics")
    assert (health["status"], health["mode"], metrics.status) == ("ok", "neutral", 200)
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"leeward_extender_scoring 0.0\n" in metrics.content


def test_other_methods_and_paths_are_none(client: Client) -> None:
    assert client.answered("GET", "/filter").status == 405
    assert client.answered("POST", "/preempt", b"{}").status == 404


@pytest.mark.parametrize(
    "body", [b'{"PodName": "u", "PodNamespace": "n", "PodUID": "1", "Node": "spr-0001"}', b"no JSON"]
)
def test_a_binding_is_refused_in_the_protocols_own_form(client: Client, body: bytes) -> None:
    answer = client.answered("POST", "/bind", body)
    assert answer.status == 200, "kube-scheduler reads the body of no other answer"
    assert answer.json == {
        "Error": "Leeward binds no pods: take bindVerb out of its entry in the scheduler's configuration"
    }
    assert b'requests_total{status="200",verb="bind"} 1.0\n' in client.answered("GET", "/metrics").content
