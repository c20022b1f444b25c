"""As much of an API server as a list and a watch need: versions, pages, bookmarks, a history that can be forgotten."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scheduler_extender.api_server import ApiServer

Object = dict[str, Any]

PATIENCE_SECONDS = 20.0


@dataclass(slots=True, kw_only=True)
class ApiStub:
    """Objects by name, and what happened to them."""

    server: ApiServer
    objects: dict[str, Object] = field(default_factory=dict)
    events: list[tuple[int, Object]] = field(default_factory=list)
    version: int = 1
    oldest: int = 1
    refusal: int = 0
    torn: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    epoch: int = 0
    watches: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, name: str, **rest: Any) -> None:
        """Create or change an object."""
        with self.changed:
            kind = "MODIFIED" if name in self.objects else "ADDED"
            self.version += 1
            metadata = {"name": name, "uid": f"uid-of-{name}", "resourceVersion": str(self.version)}
            self.objects[name] = {"metadata": metadata | rest.pop("metadata", {}), **rest}
            self._happened(kind, self.objects[name])

    def delete(self, name: str) -> None:
        """Delete an object."""
        with self.changed:
            self.version += 1
            gone = self.objects.pop(name)
            gone = gone | {"metadata": gone["metadata"] | {"resourceVersion": str(self.version)}}
            self._happened("DELETED", gone)

    def bookmark(self) -> None:
        """Tell watches how far they are."""
        with self.changed:
            self._happened("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    def forget(self) -> None:
        """Compact: who asks for what happened before hears 410."""
        with self.changed:
            self.oldest = self.version

    def drop_watches(self, *, refusal: int = 0) -> None:
        """Cut the connection of a watch off, once there is one and it was told all that happened.

        Args:
            refusal: the status of all answers from then on; 0 where they are no refusals.
        """
        with self.changed:
            assert self.changed.wait_for(lambda: self.watches > 0, timeout=PATIENCE_SECONDS)
            self.refusal = refusal
            self.end_watches()
            assert self.changed.wait_for(lambda: self.watches == 0, timeout=PATIENCE_SECONDS)

    def end_watches(self) -> None:
        """Cut all connections of watches off."""
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    @contextmanager
    def watching(self) -> Iterator[int]:
        """A watch is open; yields by which epoch it knows that it is to end."""
        with self.changed:
            self.watches += 1
            epoch = self.epoch
            self.changed.notify_all()
        try:
            yield epoch
        finally:
            with self.changed:
                self.watches -= 1
                self.changed.notify_all()

    def since(self, sent: int, epoch: int) -> list[tuple[int, Object]]:
        """Wait for what a watch was not told yet; nothing where it is cut off."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) > sent or self.epoch != epoch, timeout=PATIENCE_SECONDS)
            return self.events[sent:]

    def _happened(self, kind: str, found: Object) -> None:
        self.events.append((self.version, {"type": kind, "object": found}))
        self.changed.notify_all()


@contextmanager
def api_stub(path: str) -> Iterator[ApiStub]:
    """A stub on loopback with one kind of object."""
    with api_stubs(path) as stubs:
        yield stubs[path]


@contextmanager
def api_stubs(*paths: str) -> Iterator[dict[str, ApiStub]]:
    """A stub on loopback with several kinds, by path."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listening.daemon_threads = True
    server = ApiServer(url=f"http://127.0.0.1:{listening.server_address[1]}")
    stubs = {path: ApiStub(server=server) for path in paths}
    listening.stubs = stubs  # type: ignore[attr-defined]
    serving = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield stubs
    finally:
        listening.shutdown()
        for stub in stubs.values():
            stub.end_watches()
        listening.server_close()
        serving.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stub(self) -> ApiStub:
        found: ApiStub = self.server.stubs[urlsplit(self.path).path]  # type: ignore[attr-defined]
        return found

    def log_message(self, *_: object) -> None:
        """Nobody wants to know."""

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.stub.asked.append(query)
        self.stub.tokens.append(self.headers.get("Authorization", ""))
        if self.stub.refusal:
            self._answer(self.stub.refusal, {"kind": "Status", "message": "not now", "code": self.stub.refusal})
        elif self.stub.torn:
            self._answer(200, "{")
        elif "watch" in query:
            with suppress(OSError):
                self._watch(int(query["resourceVersion"]))
        else:
            self._list(query)

    def _list(self, query: dict[str, str]) -> None:
        if "as=PartialObjectMetadata;" in self.headers["Accept"]:
            self._answer(406, {"kind": "Status", "message": "the requested object is a list", "code": 406})
            return
        with self.stub.changed:
            names, start = sorted(self.stub.objects), int(query.get("continue", "0"))
            end = start + int(query["limit"])
            metadata = {"resourceVersion": str(self.stub.version)}
            if end < len(names):
                metadata["continue"] = str(end)
            found = {"metadata": metadata, "items": [self.stub.objects[name] for name in names[start:end]]}
        self._answer(200, found)

    def _watch(self, version: int) -> None:
        if version < self.stub.oldest:
            self._answer(410, {"kind": "Status", "message": "too old resource version", "code": 410})
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with self.stub.watching() as epoch:
            self._tell(version, epoch)
        self.close_connection = True

    def _tell(self, version: int, epoch: int) -> None:
        sent = 0
        while self.stub.epoch == epoch:
            fresh = self.stub.since(sent, epoch)
            sent += len(fresh)
            for happened, event in fresh:
                if happened > version:
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def _answer(self, status: int, document: object) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
