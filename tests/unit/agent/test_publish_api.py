import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from agent.errors import PublishError
from agent.publish_api import ApiPublisher, ApiServer, applied_status
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from tests.unit.agent.api_server import COLLECTION, Api, api_server
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.machine_tree import Machine

ROOT = Path(__file__).parents[3]


@pytest.fixture
def account(tmp_path: Path) -> Path:
    return tmp_path / "serviceaccount"


@pytest.fixture
def api(account: Path) -> Iterator[Api]:
    with api_server(account) as served:
        yield served


@pytest.fixture
def publisher(api: Api, account: Path) -> Iterator[ApiPublisher]:
    made = ApiPublisher(server_of(api.port, account), timeout_seconds=2.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> NodeState:
    return Node(tmp_path_factory.mktemp("node"), Machine(boxes={})).observe()


def server_of(port: int, account: Path) -> ApiServer:
    return ApiServer(host="127.0.0.1", port=port, token_file=account / "token", ca_file=account / "ca.crt")


def test_the_object_is_created_and_then_its_status_applied(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    publisher.publish(state)
    assert [(request.method, request.path) for request in api.requests] == [
        ("PATCH", f"{COLLECTION}/node-1/status"),
        ("PATCH", f"{COLLECTION}/node-1"),
        ("PATCH", f"{COLLECTION}/node-1/status"),
    ]
    for request in api.requests:
        assert request.query == {"fieldManager": ["leeward-agent"], "force": ["true"]}
        assert request.headers["Content-Type"] == "application/apply-patch+yaml"
        assert request.headers["Authorization"] == "Bearer first-token"
    assert api.requests[1].body == {
        "apiVersion": "leeward.dev/v1",
        "kind": "NodeState",
        "metadata": {"name": "node-1"},
    }


def test_what_arrives_reads_back_as_what_was_sent(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    publisher.publish(state)
    arrived = NodeState.from_json(json.dumps({"metadata": {"name": "node-1"}, **api.objects["node-1"]}))
    assert arrived.status == state.status


def test_a_known_object_takes_one_request_on_a_kept_connection(
    api: Api, publisher: ApiPublisher, state: NodeState
) -> None:
    publisher.publish(state)
    for _ in range(3):
        publisher.publish(state)
    assert len(api.requests) == 3 + 3
    assert len({request.client_port for request in api.requests}) == 1


def test_missing_values_stay_in_arrays_and_go_elsewhere(state: NodeState) -> None:
    status = applied_status(state)
    features = status["domains"][0]["features"]
    assert len(features) == len(FEATURE_SCHEMA_V1)
    assert None in features
    assert "bundleDigest" not in status
    assert status["domains"][0]["axes"] == {}


def test_a_rotated_token_is_read_again(api: Api, publisher: ApiPublisher, state: NodeState, account: Path) -> None:
    publisher.publish(state)
    api.token = "second-token"
    with pytest.raises(PublishError, match=r"with 401: Unauthorized; the service account's token"):
        publisher.publish(state)
    (account / "token").write_text("second-token")
    publisher.publish(state)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(
    api: Api, publisher: ApiPublisher, state: NodeState
) -> None:
    api.hang_up = True
    for _ in range(3):
        publisher.publish(state)
    assert len({request.client_port for request in api.requests}) == len(api.requests) == 3 + 2


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((403, b'{"message": "agent may not patch"}'), r"403: agent may not patch; apply infra/kustomize/agent"),
        ((422, b'{"message": "status.regimes: Invalid"}'), r"422: status.regimes: Invalid; CRD and agent differ"),
        ((503, b""), r"503: no reason given; it is tried again with the next window"),
        ((500, b"[1]"), r"500: \[1\]; it is tried again"),
        ((302, b"\xff" * 1000), r"302: .{300}; it is tried again"),
    ],
)
def test_a_refusal_says_what_the_server_said_and_what_to_do(
    api: Api, publisher: ApiPublisher, state: NodeState, refusal: tuple[int, bytes], message: str
) -> None:
    api.refusal = refusal
    with pytest.raises(PublishError, match=f"API server refuses NodeState node-1 with {message}"):
        publisher.publish(state)
    api.refusal = None
    publisher.publish(state)


def test_without_the_crd_it_says_so(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    api.crd_is_applied = False
    with pytest.raises(PublishError, match=r"404: 404 page not found; apply the CRD"):
        publisher.publish(state)


def test_nobody_listening_is_an_error_and_not_the_end(account: Path, state: NodeState) -> None:
    with api_server(account) as api:
        api.hang_up = True
        publisher = ApiPublisher(server_of(api.port, account), timeout_seconds=2.0)
        publisher.publish(state)
    with pytest.raises(PublishError, match=r"API server 127.0.0.1:\d+ can't be reached: .*; it is tried again"):
        publisher.publish(state)
    publisher.close()


def test_a_server_that_never_answers_is_given_up(account: Path, state: NodeState, api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        publisher = ApiPublisher(server_of(mute.getsockname()[1], account), timeout_seconds=0.1)
        with pytest.raises(PublishError, match="timed out"):
            publisher.publish(state)
        publisher.close()


def test_another_certificate_authority_is_not_trusted(
    api: Api, account: Path, state: NodeState, tmp_path: Path
) -> None:
    with api_server(tmp_path / "other/serviceaccount"):
        publisher = ApiPublisher(server_of(api.port, tmp_path / "other/serviceaccount"), timeout_seconds=2.0)
        with pytest.raises(PublishError, match="certificate verify failed"):
            publisher.publish(state)
    assert api.requests == []


def test_a_missing_token_is_an_error_and_not_the_end(publisher: ApiPublisher, state: NodeState, account: Path) -> None:
    (account / "token").unlink()
    with pytest.raises(PublishError, match="token"):
        publisher.publish(state)


def test_a_pod_finds_its_server_and_others_none(account: Path) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert ApiServer.in_cluster(pod, account) is None, "no token is mounted"
    account.mkdir()
    (account / "token").write_text("t")
    assert ApiServer.in_cluster({}, account) is None
    server = ApiServer.in_cluster(pod, account)
    assert server is not None
    assert (server.host, server.port, server.ca_file) == ("fd00::1", 6443, account / "ca.crt")


def test_the_role_allows_these_requests_and_no_more(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    """An apply that creates wants both verbs (Kubernetes, "Server-Side Apply", section "API implementation")."""
    used: set[tuple[str, str]] = set()
    for _ in range(2):
        publisher.publish(state)
    for request in api.requests:
        _, _, subresource = request.path.removeprefix(f"{COLLECTION}/").partition("/")
        used.add(("nodestates/status" if subresource else "nodestates", "patch"))
        if not subresource:
            used.add(("nodestates", "create"))
    documents = yaml.safe_load_all((ROOT / "infra/kustomize/agent/rbac.yaml").read_text())
    (role,) = [document for document in documents if document["kind"] == "ClusterRole"]
    assert all(rule["apiGroups"] == ["leeward.dev"] for rule in role["rules"])
    allowed = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert used == allowed
