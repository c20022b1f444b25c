"""NodeStates that lie: each is ignored, counted and said once, and its node counts as stale until a good one comes."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler_extender.cluster import NODE_STATES, NODES, PODS, Cluster
from scheduler_extender.main import build_extender
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.service import Extender
from scheduler_extender.standing import Standing
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.conftest import UNHURRIED, Promote, StoppedClock
from tests.unit.scheduler_extender.small_cluster import NOW, QUIET, args, node_state, pod_object, said

NODE = "spr-0001"
OTHER_DIGEST = "sha256:" + "0" * 64
OTHER_SCHEMA = "another schema's digest"
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
    OTHER_SCHEMA: (lying(NOW, featureSchema=OTHER_DIGEST), "the vectors' schema is sha256:000"),
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


@dataclass(frozen=True)
class Following:
    """An extender, and what it follows."""

    itself: Extender
    cluster: Cluster

    def refresh(self) -> None:
        """Take over all that has come."""
        while (news := self.cluster.news(seconds=math.inf)) is not None:
            self.itself.take_over(news)


@pytest.fixture
def extender(state: Path, promote: Promote, clock: StoppedClock, stubs: dict[str, ApiStub]) -> Iterator[Following]:
    """An extender that follows the stub and knows the node; it takes over what is new when asked to ``refresh``."""
    promote("1")
    publish(stubs, honest(NOW))
    cluster = Cluster(stubs[PODS.path].server)
    found = Following(build_extender(state, UNHURRIED, clock=clock, following=True), cluster)
    cluster.follow(lambda: None)
    try:
        eventually(lambda: standing(found) is Standing.KNOWN)
        yield found
    finally:
        for stub in stubs.values():
            stub.end_watches()
        cluster.close()


def refused(extender: Following) -> int:
    extender.refresh()
    return int(extender.itself.metrics.value("files_refused_total"))


def explained(extender: Following) -> Any:
    extender.refresh()
    return json.loads(extender.itself.explain(args(pod_object("u"), NODE)).content)["nodes"][0]


def standing(extender: Following) -> Standing:
    return Standing(explained(extender)["standing"])


def counted_standings(extender: Following) -> dict[str, int]:
    shown = extender.itself.exposition()
    found = re.findall(r'^leeward_extender_nodes_by_standing\{standing="(\w+)"\} (\d+)$', shown, re.MULTILINE)
    return {name: int(count) for name, count in found if count != "0"}


@pytest.mark.parametrize("lie", LIES)
def test_a_state_that_breaks_the_contract_is_ignored_counted_and_said_and_its_node_counts_as_stale(
    extender: Following, clock: StoppedClock, stubs: dict[str, ApiStub], caplog: pytest.LogCaptureFixture, lie: str
) -> None:
    status, complaint = LIES[lie]
    clock.now = NOW + timedelta(seconds=200)
    publish(stubs, status)
    eventually(lambda: refused(extender) == 1)
    (sentence,) = said(caplog, "file-refused")
    assert sentence.startswith(f"nodestates {NODE} is refused: ")
    assert complaint in sentence
    assert len(sentence) < 1000
    expected = Standing.OTHER_CONTRACT if lie == OTHER_SCHEMA else Standing.REFUSED
    node = explained(extender)
    assert (node["standing"], node["refused"]) == (expected, sentence)
    assert (node["age_seconds"], node["score"]) == (200.0, NEUTRAL_LOW)
    assert counted_standings(extender) == {expected: 1}
    assert extender.itself.health().nodes_not_believed == 1
    publish(stubs, honest(clock.now))
    eventually(lambda: standing(extender) is Standing.KNOWN)
    assert (explained(extender)["refused"], counted_standings(extender)) == ("", {"known": 1})
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
    extender: Following, stubs: dict[str, ApiStub], status: Status
) -> None:
    publish(stubs, status)
    eventually(lambda: standing(extender) is Standing.AHEAD)
    assert counted_standings(extender) == {"ahead": 1}
    assert extender.itself.health().nodes_not_believed == 1
    assert "\nleeward_extender_nodes_not_believed 1\n" in extender.itself.exposition()
    assert refused(extender) == 0
