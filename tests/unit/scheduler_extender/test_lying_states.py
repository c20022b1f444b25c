"""NodeStates that lie: each is ignored and counted, said once, and what was known of the node ages to stale."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler_extender.cluster import NODE_STATES, NODES, PODS, Cluster
from scheduler_extender.main import build_extender
from scheduler_extender.service import Extender
from scheduler_extender.standing import Standing
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.conftest import UNHURRIED, Promote, StoppedClock
from tests.unit.scheduler_extender.small_cluster import NOW, QUIET, args, node_state, pod_object, said

NODE = "spr-0001"
OTHER_DIGEST = "sha256:" + "0" * 64
YEAR = timedelta(days=365)

Status = dict[str, Any]


def honest(seen: datetime) -> Status:
    """The status of a NodeState as an agent writes it."""
    status: Status = json.loads(node_state(NODE, QUIET, seen=seen).to_json())["status"]
    return status


def lying(seen: datetime, *, domain: Status | None = None, **changes: Any) -> Status:
    """The same with something else in the status, or in its first domain."""
    status = honest(seen) | changes
    status["domains"][0] |= domain or {}
    return status


def with_feature(value: object) -> Status:
    features = honest(NOW)["domains"][0]["features"]
    return lying(NOW, domain={"features": [value, *features[1:]]})


def of_domains(count: int, *, alike: bool = False) -> Status:
    (domain,) = honest(NOW)["domains"]
    return lying(NOW, domains=[domain | {"name": domain["name"] if alike else f"d{index}"} for index in range(count)])


LIES = {
    "NaN as a string": (with_feature("NaN"), "domains.0.features.0"),
    "a number in quotes": (with_feature("0.5"), "features.0"),
    "more than any number": (with_feature(10**400), "features.0"),
    "a feature out of range": (with_feature(1e9), "domains.0.features.0"),
    "a feature below its range": (with_feature(-0.5), "domains.0.features"),
    "a feature too few": (lying(NOW, domain={"features": [0.1]}), "domains.0.features"),
    "no features at all": (lying(NOW, domain={"features": None}), "domains.0.features"),
    "a probability above one": (lying(NOW, domain={"axes": {"membw": 1.5}}), "domains.0.axes.membw"),
    "a regime of its own": (lying(NOW, domain={"regime": "splendid"}), "domains.0.regime"),
    "less than no CPU": (lying(NOW, domain={"freeExclusiveCpus": -1}), "domains.0.freeExclusiveCpus"),
    "another schema's digest": (lying(NOW, featureSchema=OTHER_DIGEST), "the vectors' schema is sha256:000"),
    "a heartbeat without a zone": (lying(NOW, heartbeat="2026-11-24T04:00:00"), "status.heartbeat"),
    "a heartbeat that is no date": (lying(NOW, heartbeat="2026-13-40T04:00:00Z"), "status.heartbeat"),
    "a window that ends before it starts": (
        lying(NOW, domain={"window": {"start": "2026-11-24T04:00:00Z", "end": "2026-11-24T03:59:00Z"}}),
        "not after its start",
    ),
    "two domains of one name": (of_domains(2, alike=True), "domain socket0 stands twice"),
    "nine domains": (of_domains(9), "at most 8 items"),
    "a pod twice": (lying(NOW, sharedPods=["u", "u"]), "shared pod u stands twice"),
    "a megabyte": (lying(NOW, agentVersion="x" * 2**20), "status.agentVersion"),
    "a megabyte of what nobody knows": (lying(NOW, padding="x" * 2**20), "status.padding"),
    "a megabyte of pods": (lying(NOW, sharedPods=[f"u{index}" for index in range(10**5)]), "status.sharedPods"),
    "a list": ([], "status"),
}


@pytest.fixture
def stubs() -> Iterator[dict[str, ApiStub]]:
    with api_stubs(NODE_STATES.path, NODES.path, PODS.path) as found:
        found[NODES.path].put(NODE, metadata={"creationTimestamp": "2026-11-01T00:00:00Z"})
        yield found


def publish(stubs: dict[str, ApiStub], status: object) -> None:
    stubs[NODE_STATES.path].put(NODE, apiVersion="leeward.dev/v1", kind="NodeState", status=status)


@pytest.fixture
def extender(state: Path, promote: Promote, clock: StoppedClock, stubs: dict[str, ApiStub]) -> Iterator[Extender]:
    """An extender that follows the stub and knows the node; it takes over what is new when asked to ``refresh``."""
    promote("1")
    publish(stubs, honest(NOW))
    cluster = Cluster(stubs[PODS.path].server)
    found = build_extender(state, UNHURRIED, clock=clock, cluster=cluster)
    cluster.follow(lambda: None)
    try:
        eventually(lambda: standing(found) == Standing.KNOWN)
        yield found
    finally:
        for stub in stubs.values():
            stub.end_watches()
        cluster.close()


def refused(extender: Extender) -> int:
    extender.refresh()
    return int(extender.metrics.value("files_refused_total"))


def standing(extender: Extender) -> str:
    extender.refresh()
    answer = extender.explain(args(pod_object("u"), NODE))
    found: str = json.loads(answer.content)["nodes"][0]["standing"]
    return found


@pytest.mark.parametrize("lie", LIES)
def test_a_state_that_breaks_the_contract_is_ignored_counted_and_said_and_the_last_one_ages(
    extender: Extender, clock: StoppedClock, stubs: dict[str, ApiStub], caplog: pytest.LogCaptureFixture, lie: str
) -> None:
    status, complaint = LIES[lie]
    clock.now = NOW + timedelta(seconds=200)
    publish(stubs, status)
    eventually(lambda: refused(extender) == 1)
    (sentence,) = said(caplog, "file-refused")
    assert sentence.startswith(f"nodestates {NODE} is refused: ")
    assert complaint in sentence
    assert len(sentence) < 1000
    assert standing(extender) == Standing.KNOWN
    clock.now = NOW + timedelta(seconds=301)
    assert standing(extender) == Standing.STALE
    assert extender.health().nodes_not_believed == 1
    publish(stubs, honest(clock.now))
    eventually(lambda: standing(extender) == Standing.KNOWN)
    assert refused(extender) == 1


@pytest.mark.parametrize(
    "status",
    [
        lying(NOW, heartbeat=(NOW + YEAR).isoformat()),
        lying(NOW, domain={"window": {"start": NOW.isoformat(), "end": (NOW + YEAR).isoformat()}}),
        honest(NOW + YEAR),
    ],
    ids=["heartbeat", "window", "both"],
)
def test_a_state_from_the_future_is_lawful_not_believed_and_counted_as_such(
    extender: Extender, stubs: dict[str, ApiStub], status: Status
) -> None:
    publish(stubs, status)
    eventually(lambda: standing(extender) == Standing.AHEAD)
    assert extender.health().nodes_not_believed == 1
    assert "\nleeward_extender_nodes_not_believed 1\n" in extender.exposition()
    assert refused(extender) == 0
