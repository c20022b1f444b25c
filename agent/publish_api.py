"""NodeStates into the Kubernetes API by server-side apply, with the service account that the kubelet mounts.

The agent needs two requests of the API and nothing else, so it carries no Kubernetes client. What the administrator set
comes with the answer to the agent's own write, so it neither reads nor watches.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import PublishError, RefusedError, UnreachableError
from agent.http_client import TIMEOUT_SECONDS, Answer, HttpClient, Server
from agent.publish import Published, content_of, spec_in
from contracts.errors import ContractError
from contracts.nodestate import API_VERSION, GROUP, KIND, PLURAL, VERSION, Metadata, NodeState

FIELD_MANAGER = "leeward-agent"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_QUERY = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
_HEADERS = {
    "Content-Type": "application/apply-patch+yaml",  # of which JSON is a part
    "Accept": "application/json",
}
_LONGEST_MESSAGE = 300
_NOT_FOUND = 404
_PASSING = frozenset({401, 408, 409, 425, 429})
"""Refusals below 500 that pass by themselves; 401 since the kubelet renews the token, and each request reads it."""
_TRIED_AGAIN = "it is tried again"
_UNKNOWN_FIELD = "failed to create typed patch object"
"""How server-side apply says, with 500, that the CRD lacks a field (apimachinery's typed package, Kubernetes 1.36)."""
_DELETED = "it was deleted meanwhile, or the CRD lacks its status subresource: apply infra/kustomize/crd"
_SELDOM = "something between agent and API server answers: it is tried again now and then"
_ACTIONS = {
    401: "the service account's token is not accepted: is it mounted from this cluster?",
    403: "apply infra/kustomize/agent, whose role and own-node policy let an agent write its own node's NodeState",
    404: "apply the CRD, infra/kustomize/crd",
    410: f"{API_VERSION} is not served any more: apply the CRD of the agent's version",
    422: "CRD and agent differ: apply the CRD of the agent's version",
}


class ApiServer(Server):
    """How a pod reaches its API server."""

    __slots__ = ()

    @classmethod
    def in_cluster(cls, environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Self | None:
        """The server that the kubelet names to pods; ``None`` outside a pod, or where no token is mounted.

        Args:
            environment: has ``KUBERNETES_SERVICE_HOST`` and ``KUBERNETES_SERVICE_PORT`` in a pod.
            account: where the service account is mounted.

        Raises:
            AgentError: host and port are no address.
        """
        host = environment.get("KUBERNETES_SERVICE_HOST", "")
        if not host or not (account / "token").is_file():
            return None
        port = environment.get("KUBERNETES_SERVICE_PORT", "443")
        return cls(
            url=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            token_file=account / "token",
            ca_file=account / "ca.crt",
        )


class ApiPublisher:
    """Applies the status; creates the object first where the server does not have it.

    Every request may be sent twice: applying the same state again changes nothing. None of them names the ``spec``, so
    it stays the administrator's.

    Args:
        server: the API server.
        timeout_seconds: for connecting and each wait, above zero.
    """

    def __init__(self, server: Server, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._client = HttpClient(server, timeout_seconds=timeout_seconds)
        self._under_way = Lock()

    def publish(self, state: NodeState) -> Published:
        """Make ``state`` the node's present state.

        Raises:
            RefusedError: the server does not take it; says what it said.
            PublishError: the server can't be reached, or the state is too large.
        """
        with self._under_way:
            return self._publish(state)

    def close(self) -> None:
        """Close the connection, unless another thread still waits for an answer on it, which nobody then waits for.

        A second call does nothing, and publishing opens another.
        """
        if self._under_way.acquire(blocking=False):
            try:
                self._client.close()
            finally:
                self._under_way.release()

    def _publish(self, state: NodeState) -> Published:
        path = f"/apis/{GROUP}/{VERSION}/{PLURAL}/{quote(state.metadata.name, safe='')}"
        bare = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": state.metadata.name}}
        whole = bare | {"status": applied_status(state)}
        answer = self._apply(f"{path}/status", whole)
        if answer.status == _NOT_FOUND:
            _accept(self._apply(path, bare), state)
            answer = self._apply(f"{path}/status", whole)
        _accept(answer, state)
        return _learnt_from(answer, state)

    def _apply(self, path: str, document: Mapping[str, Any]) -> Answer:
        body = json.dumps(document, separators=(",", ":")).encode()
        try:
            return self._client.exchange("PATCH", f"{path}?{_QUERY}", body=body, headers=_HEADERS)
        except UnreachableError as error:
            raise PublishError(f"API server {error}; {_TRIED_AGAIN}") from error


def applied_status(state: NodeState) -> dict[str, Any]:
    """The status as server-side apply wants it: keys without a value are left out, and so given up.

    Raises:
        PublishError: the object would be too large.
    """
    status: dict[str, Any] = _without_nulls(json.loads(content_of(state)).get("status") or {})
    return status


def _without_nulls(part: Any) -> Any:
    """Without keys that say ``null``; in an array it stands for a missing value and stays."""
    match part:
        case dict():
            return {key: _without_nulls(value) for key, value in part.items() if value is not None}
        case list():
            return [_without_nulls(entry) for entry in part]
    return part


class _Applied(BaseModel):
    """Whose the object is that now stands there."""

    model_config = ConfigDict(extra="ignore")

    kind: Literal["NodeState"]
    metadata: Metadata


class _Refusal(BaseModel):
    """What is read of a Kubernetes ``Status``."""

    model_config = ConfigDict(extra="ignore")

    message: str


def _accept(answer: Answer, state: NodeState) -> None:
    name = state.metadata.name
    if not answer.is_success:
        message = _message(answer.body)
        action, is_lasting = _judged(answer, message)
        raise RefusedError(
            f"API server refuses NodeState {name} with {answer.status}: {message}; {action}",
            is_lasting=is_lasting,
            asked_seconds=answer.retry_after_seconds(),
        )
    try:
        is_believed = _Applied.model_validate_json(answer.body).metadata.name == name
    except ValidationError:
        is_believed = False
    if not is_believed:
        raise RefusedError(
            f"API server answers {answer.status} to NodeState {name}, but with something else: "
            f"{_message(answer.body)}; {_TRIED_AGAIN}",
            is_lasting=False,
        )


def _judged(answer: Answer, message: str) -> tuple[str, bool]:
    """What to do about a refusal, and whether it lasts until somebody does."""
    if answer.status == _NOT_FOUND and _is_status(answer.body):  # the CRD is there: its absence is said in plain text
        return _DELETED, False
    if answer.status >= 500 and message.startswith(_UNKNOWN_FIELD):
        return _ACTIONS[422], True
    is_passing = answer.status >= 500 or answer.status in _PASSING
    return _ACTIONS.get(answer.status, _TRIED_AGAIN if is_passing else _SELDOM), not is_passing


def _learnt_from(answer: Answer, state: NodeState) -> Published:
    ahead = _clock_ahead_seconds(answer)
    try:
        return Published(spec=spec_in(answer.body), clock_ahead_seconds=ahead)
    except ContractError as error:
        name = state.metadata.name
        refusal = f"NodeState {name} is refused: {error}; what was set before holds: kubectl edit nodestate {name}"
        return Published(spec_refusal=refusal, clock_ahead_seconds=ahead)


def _clock_ahead_seconds(answer: Answer) -> float | None:
    """This machine's clock less the server's."""
    told = answer.date
    return None if told is None else (datetime.now(UTC) - told).total_seconds()


def _is_status(body: bytes) -> bool:
    """Whether it is a Kubernetes ``Status``."""
    try:
        return bool(_Refusal.model_validate_json(body).message)
    except ValidationError:
        return False


def _message(body: bytes) -> str:
    """What a Kubernetes ``Status`` says, in one line; of anything else, its beginning."""
    try:
        said = _Refusal.model_validate_json(body).message
    except ValidationError:
        said = body[: 4 * _LONGEST_MESSAGE].decode("utf-8", errors="replace")
    return " ".join(said.split())[:_LONGEST_MESSAGE] or "no reason given"
