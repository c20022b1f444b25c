"""The installed command, as a person and a cluster call it: a process of its own, real counters, a real socket."""

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.nodestate import ConditionStatus, ConditionType, NodeState
from contracts.regime import Regime

LEEWARD = str(Path(sys.executable).with_name("leeward"))
DATA = Path(__file__).parent / "data"
NAMES = (DATA / "prioritize-upf-names-16.json").read_bytes()
NODES = (DATA / "filter-upf-nodes-16.json").read_bytes()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LEEWARD, *arguments], check=False, capture_output=True, text=True, timeout=60)


def test_agent_once_prints_this_machines_node_state() -> None:
    result = run("agent", "once", "--output", "json", "--window", "0.2")
    assert result.returncode == 0, result.stderr
    state = NodeState.from_json(result.stdout)
    assert state.status is not None
    coverage = state.status.coverage
    assert coverage.opened + sum(len(group.events) for group in coverage.missing) == coverage.wanted
    assert all(re.fullmatch(r"E[A-Z0-9]+", group.errno) for group in coverage.missing)
    characterised = state.status.condition(ConditionType.CHARACTERISED)
    assert characterised is not None
    if characterised.status is ConditionStatus.FALSE:
        assert {domain.regime for domain in state.status.domains} == {Regime.UNKNOWN}


def test_agent_once_is_readable_by_people() -> None:
    result = run("agent", "once", "--window", "0.2")
    assert result.returncode == 0, result.stderr
    for word in ("Characterised", "opened", "Regimes", "-clock"):
        assert word in result.stdout


def test_a_proc_that_is_none_is_one_sentence_and_no_trace(tmp_path: Path) -> None:
    result = run("agent", "once", "--proc", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.startswith("leeward: ")
    assert "cpuinfo can't be read" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    state = tmp_path_factory.mktemp("empty-state")
    arguments = [LEEWARD, "extender", "serve", "--port", "0", "--host", "127.0.0.1", "--state", str(state)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = (json.loads(line) for line in process.stderr)
            yield next(event["port"] for event in said if event["event"] == "listening")
        finally:
            process.terminate()
        assert process.wait(timeout=20) in {0, -signal.SIGTERM}


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_with_an_empty_state_all_nodes_score_alike(port: int) -> None:
    status, scores = ask(port, "POST", "/prioritize", NAMES)
    assert status == 200
    assert isinstance(scores, list)
    assert {score["Host"] for score in scores} == set(json.loads(NAMES)["NodeNames"])
    assert len({score["Score"] for score in scores}) == 1
    assert all(type(score["Score"]) is int and 0 <= score["Score"] <= 10 for score in scores)


def test_with_an_empty_state_the_filter_passes_all_nodes(port: int) -> None:
    status, answer = ask(port, "POST", "/filter", NODES)
    assert status == 200
    assert isinstance(answer, dict)
    asked = {node["metadata"]["name"] for node in json.loads(NODES)["Nodes"]["items"]}
    assert {node["metadata"]["name"] for node in answer["Nodes"]["items"]} == asked
    assert not answer.get("FailedNodes")


def test_healthz_answers(port: int) -> None:
    status, answer = ask(port, "GET", "/healthz")
    assert status == 200
    assert isinstance(answer, dict)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no JSON at all", "JSON"),
        (NAMES[: len(NAMES) // 2], "JSON"),
        (b'{"NodeNames": ["spr-0000"]}', "Pod"),
        (NAMES.replace(b'"spr-0003"', b'"No Node!"'), "No Node!"),
    ],
)
@pytest.mark.parametrize("path", ["/filter", "/prioritize"])
def test_a_bad_body_is_400_with_one_sentence(port: int, path: str, body: bytes, said: str) -> None:
    status, answer = ask(port, "POST", path, body)
    assert status == 400
    assert said in json.dumps(answer)


def test_train_without_local_says_what_to_do() -> None:
    result = run("train")
    assert result.returncode == 2
    assert "--local" in result.stderr
