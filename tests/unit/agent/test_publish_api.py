import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread

import pytest
import yaml

from agent.errors import AgentError, PublishError, RefusedError
from agent.http_client import Server
from agent.publish_api import ApiPublisher, ApiServer, applied_status
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy, NodeState, Spec
from tests.unit.agent.api_server import COLLECTION, Api, Manner, api_server
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


def server_of(port: int, account: Path) -> Server:
    return Server(url=f"https://127.0.0.1:{port}", token_file=account / "token", ca_file=account / "ca.crt")


def refused(publisher: ApiPublisher, state: NodeState) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        publisher.publish(state)
    return caught.value


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
    arrived = NodeState.from_json(json.dumps(api.objects["node-1"]))
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
    error = refused(publisher, state)
    assert "with 401: Unauthorized; the service account's token" in str(error)
    assert not error.is_lasting
    (account / "token").write_text("second-token")
    publisher.publish(state)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(
    api: Api, publisher: ApiPublisher, state: NodeState
) -> None:
    api.manner = Manner.HANG_UP
    for _ in range(3):
        publisher.publish(state)
    assert len({request.client_port for request in api.requests}) == len(api.requests) == 3 + 2


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((302, b"\xff" * 1000), r"302: .{300}; something between agent and API server answers"),
        ((400, b'{"message": 7}'), r'400: {"message": 7}; something between'),
        ((403, b'{"message": "agent may not patch"}'), r"403: agent may not patch; apply infra/kustomize/agent"),
        ((404, b"404 page not found"), r"404: 404 page not found; apply the CRD"),
        ((404, b'{"message": "\\"n1\\" not found"}'), r'404: "n1" not found; it was deleted meanwhile'),
        ((409, b'{"message": "the object has been modified"}'), r"409: .*modified; it is tried again"),
        ((410, b'{"message": "Gone"}'), r"410: Gone; leeward.dev/v1 is not served any more: apply the CRD"),
        ((422, b'{"message": "status.regimes: Invalid"}'), r"422: status.regimes: Invalid; CRD and agent differ"),
        ((429, b'{"message": "Too many\\nrequests"}'), r"429: Too many requests; it is tried again"),
        ((500, b'{"message": "failed to create typed patch object (/n1)"}'), r"500: failed .*; CRD and agent differ"),
        ((500, b"[" * 100_000), r"500: \[{300}; it is tried again"),
        ((503, b""), r"503: no reason given; it is tried again"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_refusal_says_what_the_server_said_what_to_do_and_whether_it_passes(
    api: Api, publisher: ApiPublisher, state: NodeState, refusal: tuple[int, bytes], message: str
) -> None:
    api.refusals = [refusal] * 2  # after a 404 the bare object is applied, and refused as well
    with pytest.raises(RefusedError, match=f"API server refuses NodeState node-1 with {message}") as caught:
        publisher.publish(state)
    is_said_to_last = refusal[0] in {302, 400, 403, 410, 422} or b"typed patch" in refusal[1] or b"page" in refusal[1]
    assert caught.value.is_lasting is is_said_to_last
    assert caught.value.asked_seconds is None
    api.refusals = []
    publisher.publish(state)


@pytest.mark.parametrize("code", [409, 429, 500, 503])
def test_a_busy_server_is_left_alone_as_long_as_it_asks(
    api: Api, publisher: ApiPublisher, state: NodeState, code: int
) -> None:
    api.refusals, api.retry_after = [(code, b"")], "17"
    assert refused(publisher, state).asked_seconds == 17.0
    api.refusals, api.retry_after = [(code, b"")], format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert refused(publisher, state).asked_seconds == pytest.approx(3600.0, abs=60.0)


def test_the_bare_object_may_be_refused_as_well(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    api.refusals = [(404, b""), (409, b'{"message": "already exists"}')]
    assert "409: already exists" in str(refused(publisher, state))
    publisher.publish(state)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"[" * 100_000,
        b'{"kind": "Status", "message": "fine"}',
        b'{"kind": "NodeState", "metadata": {"name": "node-2"}}',
    ],
    ids=["empty", "html", "deep", "status", "other-node"],
)
def test_an_answer_that_is_not_the_object_is_not_believed(
    api: Api, publisher: ApiPublisher, state: NodeState, body: bytes
) -> None:
    api.refusals = [(200, body)]
    error = refused(publisher, state)
    assert "answers 200 to NodeState node-1, but with something else" in str(error)
    assert not error.is_lasting


@pytest.mark.parametrize("manner", [Manner.TEAR, Manner.GARBAGE])
def test_an_answer_that_is_torn_or_no_http_is_an_error_and_not_the_end(
    api: Api, publisher: ApiPublisher, state: NodeState, manner: Manner
) -> None:
    api.manner = manner
    with pytest.raises(PublishError, match=r"API server (?s:.*)it is tried again"):
        publisher.publish(state)
    api.manner = Manner.WELL
    publisher.publish(state)


def test_a_slow_answer_is_waited_for(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    api.manner = Manner.SLOW
    publisher.publish(state)


def test_closing_does_not_wait_for_an_answer_that_another_thread_waits_for(
    api: Api, publisher: ApiPublisher, state: NodeState
) -> None:
    api.manner = Manner.HANG
    writer = Thread(target=publisher.publish, args=(state,), daemon=True)
    writer.start()
    assert api.hanging.wait(10.0)
    publisher.close()
    assert writer.is_alive()
    api.manner = Manner.HANG_UP
    api.released.set()
    writer.join(10.0)
    assert api.objects["node-1"]["status"]


def test_the_answer_to_a_write_brings_what_the_administrator_set(
    api: Api, publisher: ApiPublisher, state: NodeState
) -> None:
    assert publisher.publish(state).spec is None
    api.objects["node-1"]["spec"] = {"samplingPeriodSeconds": 2, "isolatedCpus": "sampled"}
    assert publisher.publish(state).spec == Spec(sampling_period_seconds=2.0, isolated_cpus=IsolatedCpuPolicy.SAMPLED)
    assert all("spec" not in request.body for request in api.requests), "an applied spec would become the agent's"
    assert api.objects["node-1"]["spec"] == {"samplingPeriodSeconds": 2, "isolatedCpus": "sampled"}


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"samplingPeriodSeconds": 0.001}, "spec.samplingPeriodSeconds: Input should be greater"),
        ({"colour": "green"}, "spec.colour: Extra inputs are not permitted"),
        ("fast", "spec: Input should be an object"),
    ],
)
def test_a_spec_that_breaks_the_contract_is_told_and_the_write_counts(
    api: Api, publisher: ApiPublisher, state: NodeState, spec: object, complaint: str
) -> None:
    publisher.publish(state)
    api.objects["node-1"]["spec"] = spec
    published = publisher.publish(state)
    assert published.spec is None
    assert published.spec_refusal.startswith(f"NodeState node-1 is refused: {complaint}")
    assert published.spec_refusal.endswith("what was set before holds: kubectl edit nodestate node-1")


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_the_clocks_are_compared(api: Api, publisher: ApiPublisher, state: NodeState, hours: int) -> None:
    api.clock_ahead = timedelta(hours=-hours)
    ahead = publisher.publish(state).clock_ahead_seconds
    assert ahead == pytest.approx(3600.0 * hours, abs=30.0)


def test_without_the_crd_it_says_so(api: Api, publisher: ApiPublisher, state: NodeState) -> None:
    api.crd_is_applied = False
    with pytest.raises(PublishError, match=r"404: 404 page not found; apply the CRD"):
        publisher.publish(state)


def test_nobody_listening_is_an_error_and_not_the_end(account: Path, state: NodeState) -> None:
    with api_server(account) as api:
        api.manner = Manner.HANG_UP
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
    plain = ApiServer.in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, account)
    assert plain is not None
    assert (plain.url, plain.is_encrypted, plain.port) == ("https://10.0.0.1:443", True, 443)
    with pytest.raises(AgentError, match="no HTTP address"):
        ApiServer.in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "tcp"}, account)


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
