"""A few endpoints of the Kubeflow Pipelines API v2beta1, over HTTP on loopback, with a memory.

Paths and bodies are those of the published API (backend/api/v2beta1 of kubeflow/pipelines). It compiles, schedules and
runs nothing, and asks for no more of a request than the fields that it answers with.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PREFIX = "/apis/v2beta1"


@dataclass(slots=True, kw_only=True)
class Kubeflow:
    """What was sent to it.

    Attributes:
        host: its URL.
        token: that it asks for; empty for none.
        pipelines, versions, experiments, runs, recurring_runs: as the API writes them.
        packages: files that were uploaded, in order.
    """

    host: str = ""
    token: str = ""
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    recurring_runs: list[dict[str, Any]] = field(default_factory=list)
    packages: list[bytes] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of a request."""
        place = path.removeprefix(PREFIX).strip("/").split("/")
        found = self._listed(place, query) if method == "GET" else self._made(place, query, body)
        return (200, found) if found is not None else (404, {"message": f"{method} {path} is not served here"})

    def _listed(self, place: list[str], query: dict[str, str]) -> dict[str, Any] | None:
        match place:
            case ["healthz"]:
                return {"multi_user": False}
            case ["pipelines"]:
                return _page("pipelines", self.pipelines, query)
            case ["pipelines", pipeline, "versions"]:
                own = [version for version in self.versions if version["pipeline_id"] == pipeline]
                return _page("pipeline_versions", own, query)
            case ["experiments"]:
                return {"experiments": self.experiments}
        return None

    def _made(self, place: list[str], query: dict[str, str], body: bytes) -> dict[str, Any] | None:
        match place:
            case ["pipelines", "upload"]:
                made = {"pipeline_id": f"pipeline-{len(self.pipelines)}", "display_name": query["name"]}
                self.packages.append(body)
                self.pipelines.append(made)
                self._add_version(made["pipeline_id"], query["name"])
                return made
            case ["pipelines", "upload_version"]:
                self.packages.append(body)
                return self._add_version(query["pipelineid"], query["name"])
            case ["experiments"]:
                return _kept(self.experiments, "experiment_id", json.loads(body))
            case ["runs"]:
                return _kept(self.runs, "run_id", json.loads(body))
            case ["recurringruns"]:
                return _kept(self.recurring_runs, "recurring_run_id", json.loads(body))
        return None

    def _add_version(self, pipeline: str, name: str) -> dict[str, Any]:
        version = {
            "pipeline_id": pipeline,
            "pipeline_version_id": f"version-{len(self.versions)}",
            "display_name": name,
        }
        self.versions.append(version)
        return version


@contextmanager
def kubeflow(*, token: str = "") -> Iterator[Kubeflow]:
    """Serve until the block ends, on a port of the system's choice."""
    memory = Kubeflow(token=token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if memory.token and self.headers.get("authorization") != f"Bearer {memory.token}":
                self._write(401, {"message": "who are you?"})
                return
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            if (kind := self.headers.get("Content-Type", "")).startswith("multipart/"):
                body = _file_of(kind, body)
            self._write(*memory.answer(method, address.path, query, body))

        def _write(self, status: int, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: requests are remembered."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    memory.host = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield memory
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _page(name: str, entries: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """One entry a page, so that whoever reads the first page alone is found out."""
    place = int(query.get("page_token") or 0)
    rest = {"next_page_token": str(place + 1)} if place + 1 < len(entries) else {}
    return {name: entries[place : place + 1], "total_size": len(entries), **rest}


def _kept(entries: list[dict[str, Any]], identifier: str, entry: dict[str, Any]) -> dict[str, Any]:
    entries.append({identifier: f"{identifier.removesuffix('_id')}-{len(entries)}", **entry})
    return entries[-1]


def _file_of(kind: str, body: bytes) -> bytes:
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    _, part = message.walk()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content
