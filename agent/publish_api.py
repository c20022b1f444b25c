"""NodeStates into the Kubernetes API by server-side apply, with the service account that the kubelet mounts.

The agent needs two requests of the API and nothing else, so it carries no Kubernetes client.
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

from agent.errors import PublishError
from agent.publish import content_of
from contracts.nodestate import API_VERSION, GROUP, KIND, PLURAL, VERSION, NodeState

FIELD_MANAGER = "leeward-agent"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 5.0
"""For connecting, and for each wait for an answer: shorter than a pod is given to end."""

_QUERY = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
_LONGEST_MESSAGE = 300
_NOT_FOUND = 404
_NEXT_WINDOW = "it is tried again with the next window"
_ACTIONS = {
    401: "the service account's token is not accepted: is it mounted from this cluster?",
    403: "apply infra/kustomize/agent, whose role and own-node policy let an agent write its own node's NodeState",
    404: "apply the CRD, infra/kustomize/crd",
    422: "CRD and agent differ: apply the CRD of the agent's version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """How a pod reaches its API server.

    Attributes:
        host, port: the server.
        token_file: the service account's token; read for each request, since the kubelet rotates it.
        ca_file: the certificate authority, read for each connection.
    """

    host: str
    port: int
    token_file: Path
    ca_file: Path

    @classmethod
    def in_cluster(cls, environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Self | None:
        """The server that the kubelet names to pods; ``None`` outside a pod, or where no token is mounted.

        Args:
            environment: has ``KUBERNETES_SERVICE_HOST`` and ``KUBERNETES_SERVICE_PORT`` in a pod.
            account: where the service account is mounted.
        """
        host = environment.get("KUBERNETES_SERVICE_HOST", "")
        if not host or not (account / "token").is_file():
            return None
        port = int(environment.get("KUBERNETES_SERVICE_PORT", "443"))
        return cls(host=host, port=port, token_file=account / "token", ca_file=account / "ca.crt")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: bytes


class ApiPublisher:
    """Applies the status; creates the object first where the server does not have it.

    A connection is kept between writes. One that the server closed meanwhile is opened again, which is safe: applying
    the same state twice changes nothing.
    """

    def __init__(self, server: ApiServer, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._connection: http.client.HTTPSConnection | None = None

    def publish(self, state: NodeState) -> None:
        """Make ``state`` the node's present state.

        Raises:
            PublishError: the server can't be reached or refuses; says what it said.
        """
        path = f"/apis/{GROUP}/{VERSION}/{PLURAL}/{quote(state.metadata.name, safe='')}"
        bare = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": state.metadata.name}}
        whole = bare | {"status": applied_status(state)}
        answer = self._apply(f"{path}/status", whole)
        if answer.status == _NOT_FOUND:
            self._accept(self._apply(path, bare), state)
            answer = self._apply(f"{path}/status", whole)
        self._accept(answer, state)

    def close(self) -> None:
        """Close the connection; a second call does nothing, and publishing opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _accept(self, answer: _Answer, state: NodeState) -> None:
        if not 200 <= answer.status < 300:
            raise PublishError(
                f"API server refuses NodeState {state.metadata.name} with {answer.status}: {_message(answer.body)}; "
                f"{_ACTIONS.get(answer.status, _NEXT_WINDOW)}"
            )

    def _apply(self, path: str, document: Mapping[str, Any]) -> _Answer:
        try:
            return self._patch(f"{path}?{_QUERY}", json.dumps(document, separators=(",", ":")).encode())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise PublishError(
                f"API server {self._server.host}:{self._server.port} can't be reached: "
                f"{str(error) or type(error).__name__}; {_NEXT_WINDOW}"
            ) from error

    def _patch(self, target: str, body: bytes) -> _Answer:
        headers = {
            "Authorization": f"Bearer {self._server.token_file.read_text(encoding='ascii').strip()}",
            "Content-Type": "application/apply-patch+yaml",  # of which JSON is a part
            "Accept": "application/json",
            "User-Agent": FIELD_MANAGER,
        }
        if self._connection is not None:
            try:
                return self._exchange(self._connection, target, body, headers)
            except (ConnectionError, ssl.SSLEOFError):
                self.close()
        self._connection = self._new_connection()
        return self._exchange(self._connection, target, body, headers)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPSConnection, target: str, body: bytes, headers: Mapping[str, str]
    ) -> _Answer:
        connection.request("PATCH", target, body=body, headers=dict(headers))
        response = connection.getresponse()
        return _Answer(status=response.status, body=response.read())

    def _new_connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._server.host,
            self._server.port,
            timeout=self._timeout_seconds,
            context=ssl.create_default_context(cafile=self._server.ca_file),
        )


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


def _message(body: bytes) -> str:
    """What a Kubernetes ``Status`` says; of anything else, its beginning."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body.decode("utf-8", errors="replace").strip() or "no reason given"
    return str(said)[:_LONGEST_MESSAGE]
