"""Asks an API server in JSON, as whoever holds a certificate or a token."""

import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tests.controlplane.certificates import Signed

SECONDS = 30.0


class ApiRefusal(Exception):  # noqa: N818 - an answer, not a defect
    """What the server said instead of doing it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class ApiClient:
    """A connection to the API server.

    Args:
        url: ``https://host:port``.
        authority: who signed the server's certificate.
        user: the caller's certificate.
        token: the caller's token, where it has no certificate.
    """

    def __init__(self, url: str, *, authority: Path, user: Signed | None = None, token: str = "") -> None:
        context = ssl.create_default_context(cafile=authority)
        if user is not None:
            context.load_cert_chain(user.certificate, user.key)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, verify=context, headers=headers, timeout=SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        """Whether the server says that it is; ``False`` too where it can't be reached."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read an object or a list."""
        return self._ask("GET", path, query=query)

    def watch(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """A collection's events, each with its object's metadata alone, however far apart, until the server ends it."""
        headers = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
        asked = query | {"watch": "true"}
        with self._http.stream("GET", path, headers=headers, params=asked, timeout=None) as answer:
            if not answer.is_success:
                answer.read()
                raise ApiRefusal(answer.status_code, _message(answer))
            yield from map(json.loads, answer.iter_lines())

    def create(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Post an object to its collection."""
        return self._ask("POST", path, document)

    def apply(self, path: str, document: Mapping[str, Any], *, manager: str = "test") -> dict[str, Any]:
        """Apply an object on the server's side."""
        query = {"fieldManager": manager, "force": "true"}
        return self._ask("PATCH", path, document, kind="application/apply-patch+yaml", query=query)

    def delete(self, path: str, **query: str) -> None:
        """Delete an object or, under a collection's path, all of them."""
        self._ask("DELETE", path, query=query)

    def _ask(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        *,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        headers = {} if document is None else {"Content-Type": kind}
        answer = self._http.request(method, path, json=document, headers=headers, params=query)
        if not answer.is_success:
            raise ApiRefusal(answer.status_code, _message(answer))
        found: dict[str, Any] = answer.json()
        return found


def _message(answer: httpx.Response) -> str:
    """What the server's ``Status`` says; an unknown path is answered in plain text."""
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        return str(answer.json().get("message", answer.text))
    return answer.text
