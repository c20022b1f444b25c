"""The real server on an API server's lists and watches: what the state directory gives elsewhere."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.nodestate import NodeState
from scheduler_extender.cluster import NODE_STATES, NODES, PODS, Cluster
from scheduler_extender.errors import ExtenderError
from scheduler_extender.intake import News
from scheduler_extender.main import build_extender, server_of
from scheduler_extender.pod_report import told
from scheduler_extender.report_client import report_of
from scheduler_extender.right_of_way import RightOfWay
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.service import utc_now
from scheduler_extender.watch import keep_up
from tests.unit.live_server import eventually, running
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.asking import QUICK, Client
from tests.unit.scheduler_extender.conftest import Promote
from tests.unit.scheduler_extender.small_cluster import PRESSED, QUIET, args, node_state, pod_object

PAIR = ("spr-0001", "spr-0003")


@pytest.fixture
def stubs() -> Iterator[dict[str, ApiStub]]:
    with api_stubs(NODE_STATES.path, NODES.path, PODS.path) as found:
        for name in PAIR:
            found[NODES.path].put(name, metadata={"creationTimestamp": "2026-11-01T00:00:00Z"})
        yield found


def applied(stubs: dict[str, ApiStub], found: NodeState) -> None:
    document = json.loads(found.to_json())
    stubs[NODE_STATES.path].put(found.metadata.name, **{key: document[key] for key in document if key != "metadata"})


def created(stubs: dict[str, ApiStub], pod: dict[str, Any]) -> None:
    stubs[PODS.path].put(pod["metadata"]["name"], **pod)


@contextmanager
def serving(state: Path, stubs: dict[str, ApiStub]) -> Iterator[Client]:
    cluster = Cluster(stubs[PODS.path].server)
    with running(server_of(build_extender(state, QUICK, following=True), state, cluster=cluster)) as port:
        yield Client(port)


def scores(client: Client, profile: str = "upf-large") -> dict[str, int]:
    body = args(pod_object("u", profile=profile, annotations={"leeward.dev/max-slowdown": "2.5"}), *PAIR)
    return {entry["Host"]: entry["Score"] for entry in client.post("/prioritize", body)}


def failures_counted(client: Client) -> float:
    lines = client.answered("GET", "/metrics").content.decode().splitlines()
    return float(
        next(line for line in lines if line.startswith("leeward_extender_api_server_failures_total")).split()[1]
    )


def test_it_is_ready_once_the_cluster_was_read_and_scores_by_it(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    digest = promote("1")
    applied(stubs, node_state("spr-0001", PRESSED, seen=utc_now()))
    applied(stubs, node_state("spr-0003", QUIET, seen=utc_now()))
    for stub in stubs.values():
        stub.refusal = 503
    with serving(state, stubs) as client:
        assert client.answered("GET", "/readyz").status == 503
        assert set(scores(client).values()) == {NEUTRAL_LOW}
        for stub in stubs.values():
            stub.refusal = 0
        eventually(lambda: client.answered("GET", "/readyz").status == 200)
        assert client.get("/readyz")["champion"] == digest
        eventually(lambda: scores(client)["spr-0003"] > scores(client)["spr-0001"])


def test_a_pod_counts_as_soon_as_it_is_bound_and_no_longer_than_it_lives(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    promote("1")
    for name in PAIR:
        applied(stubs, node_state(name, QUIET, seen=utc_now()))
    with serving(state, stubs) as client:
        eventually(lambda: client.get("/healthz")["nodes"] == len(PAIR))
        assert len(set(scores(client).values())) == 1
        created(stubs, pod_object("a", node="spr-0001", profile="transcode"))
        eventually(lambda: scores(client)["spr-0003"] > scores(client)["spr-0001"])
        stubs[PODS.path].delete("pod-a")
        eventually(lambda: len(set(scores(client).values())) == 1)


def test_the_state_of_a_former_node_of_that_name_is_not_believed(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    promote("1")
    applied(stubs, node_state("spr-0001", PRESSED, seen=utc_now()))
    applied(stubs, node_state("spr-0003", QUIET, seen=utc_now()))
    with serving(state, stubs) as client:
        eventually(lambda: client.get("/healthz")["nodes"] == len(PAIR))
        stubs[NODES.path].delete("spr-0003")
        eventually(lambda: client.get("/healthz")["nodes"] == 1)
        stubs[NODES.path].put("spr-0003", metadata={"creationTimestamp": "2099-01-01T00:00:00Z"})
        explained = client.post("/explain", args(pod_object("u"), "spr-0003"))
        assert explained["nodes"][0]["standing"] == "former"
        stubs[NODES.path].put("spr-0003", metadata={"creationTimestamp": "2026-11-02T00:00:00Z"})
        eventually(lambda: client.get("/healthz")["nodes"] == len(PAIR))


def test_it_goes_on_with_what_it_knows_while_the_api_server_is_away(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    promote("1")
    applied(stubs, node_state("spr-0001", PRESSED, seen=utc_now()))
    applied(stubs, node_state("spr-0003", QUIET, seen=utc_now()))
    with serving(state, stubs) as client:
        eventually(lambda: scores(client)["spr-0003"] > scores(client)["spr-0001"])
        for stub in stubs.values():
            stub.drop_watches(refusal=503)
        eventually(lambda: "503" in client.get("/readyz")["complaint"])
        found = scores(client)
        assert found["spr-0003"] > found["spr-0001"]
        eventually(lambda: failures_counted(client) > 0)
        for stub in stubs.values():
            stub.refusal = 0
        applied(stubs, node_state("spr-0003", PRESSED, seen=utc_now()))
        applied(stubs, node_state("spr-0001", QUIET, seen=utc_now()))
        eventually(lambda: scores(client)["spr-0001"] > scores(client)["spr-0003"])
        eventually(lambda: client.get("/readyz")["complaint"] == "")


def test_a_nodestate_that_breaks_the_contract_is_counted_and_its_node_is_not_believed(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    promote("1")
    applied(stubs, node_state("spr-0001", QUIET, seen=utc_now()))
    with serving(state, stubs) as client:
        eventually(lambda: client.get("/healthz")["nodes"] == 1)
        lying = json.loads(node_state("spr-0001", QUIET, seen=utc_now()).to_json())
        lying["status"]["domains"][0]["features"][0] = 1e9
        stubs[NODE_STATES.path].put("spr-0001", status=lying["status"], apiVersion="leeward.dev/v1", kind="NodeState")
        eventually(lambda: b"leeward_extender_files_refused_total 1" in client.answered("GET", "/metrics").content)
        health = client.get("/healthz")
        assert (health["nodes"], health["nodes_not_believed"]) == (1, 1)


def test_a_pod_is_explained_by_name_while_it_waits_and_once_it_is_bound(
    state: Path, promote: Promote, stubs: dict[str, ApiStub]
) -> None:
    promote("1")
    applied(stubs, node_state("spr-0001", PRESSED, seen=utc_now()))
    applied(stubs, node_state("spr-0003", QUIET, seen=utc_now()))
    waiting = pod_object("u", annotations={"leeward.dev/max-slowdown": "2.5"})
    created(stubs, waiting)
    with serving(state, stubs) as client:
        eventually(lambda: scores(client)["spr-0003"] > scores(client)["spr-0001"])
        eventually(lambda: client.get("/healthz")["pods"] == 1)
        url = f"http://127.0.0.1:{client.port}"
        best, other = told(report_of(url, namespace="default", name="pod-u")).splitlines()[1:]
        assert "spr-0003" in best
        assert "spr-0001" in other
        one = told(report_of(url, namespace="default", name="pod-u", nodes=["spr-0001"])).splitlines()[1:]
        assert one == [other]
        created(stubs, waiting | {"spec": waiting["spec"] | {"nodeName": "spr-0001"}})
        eventually(lambda: report_of(url, namespace="default", name="pod-u").node == "spr-0001")
        bound = told(report_of(url, namespace="default", name="pod-u"))
        assert "bound to spr-0001: score" in bound
        assert "best of 2 asked about: spr-0003: score 10" in bound
        with pytest.raises(ExtenderError, match="answers 404: no pod default/nobody is known here"):
            report_of(url, namespace="default", name="nobody")


def test_an_extender_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(ExtenderError, match=r"can't be asked: .*port-forward"):
        report_of("http://127.0.0.1:1", namespace="default", name="x")


class Unreadable(Cluster):
    """What no thread follows, and whose news end whoever takes them over."""

    def follow(self, heard: Callable[[], None]) -> None:
        heard()

    def news(self, *, seconds: float) -> News | None:
        raise RuntimeError(f"nothing to be had in {seconds:g} s")


def test_whatever_ends_the_taking_over_is_not_passed_over_in_silence(state: Path, stubs: dict[str, ApiStub]) -> None:
    cluster = Unreadable(stubs[PODS.path].server)
    extender = build_extender(state, QUICK, following=True)
    with pytest.raises(RuntimeError, match="nothing to be had"):
        asyncio.run(keep_up(extender, state, asyncio.Event(), way=RightOfWay(), cluster=cluster))
