"""Asks the real server on loopback, as kube-scheduler does."""

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler_extender.main import build_extender, server_of
from scheduler_extender.settings import ExtenderSettings
from tests.unit.live_server import running

QUICK = ExtenderSettings(poll_seconds=0.5, budget_seconds=60.0)
HEADERS = {"User-Agent": "Go-http-client/1.1", "Content-Type": "application/json", "Accept-Encoding": "gzip"}
"""Kube-scheduler's."""


class Client:
    """One connection, kept alive."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str) -> Any:
        return self.answered("GET", path).json

    def post(self, path: str, body: bytes) -> Any:
        return self.answered("POST", path, body).json

    def answered(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None) -> "Answered":
        self._connection.request(method, path, body=body, headers=HEADERS)
        found = self._connection.getresponse()
        return Answered(status=found.status, headers=dict(found.headers), content=found.read())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer of whatever status."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The content of an answer that went well."""
        assert self.status == 200, self.content
        return json.loads(self.content)


@contextmanager
def serving(state: Path, settings: ExtenderSettings = QUICK) -> Iterator[int]:
    """An extender on a state directory; yields its port."""
    with running(server_of(build_extender(state, settings), state)) as port:
        yield port
