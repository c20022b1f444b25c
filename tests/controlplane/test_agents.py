"""Fifty agents with credentials of their own write NodeStates, each its own and no other."""

import pytest

from agent.errors import RefusedError
from contracts.nodestate import NodeState
from scheduler_extender.service import utc_now
from tests.controlplane.api_client import ApiClient, ApiRefusal
from tests.controlplane.fleet import ACCOUNT, Fleet
from tests.controlplane.rig import ControlPlane
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.small_cluster import PRESSED, QUIET, node_state

NODE_STATES = "/apis/leeward.dev/v1/nodestates"
OWN, FOREIGN = "worker-01", "worker-02"


def heartbeats(plane: ControlPlane) -> dict[str, str]:
    found = plane.administrator.get(NODE_STATES)["items"]
    return {item["metadata"]["name"]: item["status"]["heartbeat"] for item in found if "status" in item}


def test_every_agents_state_reads_back_by_the_contract(plane: ControlPlane, fleet: Fleet) -> None:
    eventually(lambda: heartbeats(plane).keys() == set(fleet.nodes))
    for item in plane.administrator.get(NODE_STATES)["items"]:
        read = NodeState.model_validate(item)
        assert read.status is not None
        assert [domain.regime for domain in read.status.domains] == [fleet.domains[read.metadata.name].regime]


def test_every_agent_goes_on_publishing(plane: ControlPlane, fleet: Fleet) -> None:
    eventually(lambda: len(heartbeats(plane)) == len(fleet.nodes))
    before = heartbeats(plane)
    eventually(lambda: all(after > before[node] for node, after in heartbeats(plane).items()))


def test_the_state_of_another_node_is_refused_and_stays_as_it_was(plane: ControlPlane, fleet: Fleet) -> None:
    eventually(lambda: len(heartbeats(plane)) == len(fleet.nodes))
    intruder = fleet.publisher_of(OWN)
    said = f"the agent on node {OWN} may not write the NodeState of {FOREIGN}"
    with pytest.raises(RefusedError, match=said):
        intruder.publish(node_state(FOREIGN, QUIET, seen=utc_now()))
    intruder.close()
    found = NodeState.model_validate(plane.administrator.get(f"{NODE_STATES}/{FOREIGN}"))
    assert found.status is not None
    assert [domain.regime for domain in found.status.domains] == [PRESSED.regime]


def test_a_token_that_names_no_node_writes_nothing(plane: ControlPlane, fleet: Fleet) -> None:
    unbound = fleet.publisher_of(OWN, token=plane.token(ACCOUNT))
    with pytest.raises(RefusedError, match="the agent's token names no node"):
        unbound.publish(node_state(OWN, QUIET, seen=utc_now()))
    unbound.close()


@pytest.mark.parametrize("path", ["/api/v1/pods", "/api/v1/nodes", "/api/v1/secrets", NODE_STATES])
def test_an_agent_may_read_nothing(plane: ControlPlane, fleet: Fleet, path: str) -> None:
    token = plane.token(ACCOUNT, pod=f"{ACCOUNT}-{OWN}")
    with (
        ApiClient(plane.url, authority=plane.authority.certificate, token=token) as agent,
        pytest.raises(ApiRefusal, match="forbidden") as refused,
    ):
        agent.get(path)
    assert refused.value.status == 403
