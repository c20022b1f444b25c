"""A small HTTP server on loopback that takes batches as ingest does, and keeps what it acknowledged."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to a batch; without a body of its own a 200 carries a report."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    refused: Mapping[int, str] = field(default_factory=dict)

    def content(self, sent: int) -> bytes:
        if self.body is not None:
            return self.body
        if self.status != 200:
            return json.dumps({"error": f"test says {self.status}"}).encode()
        refused = [{"place": place, "reason": reason} for place, reason in self.refused.items()]
        return json.dumps({"written": sent - len(refused), "repeated": 0, "refused": refused, "advanced": 0}).encode()


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A request and how it was answered; the client's port is the same for requests on one connection."""

    path: str
    headers: Mapping[str, str]
    client_port: int
    lines: list[bytes]
    status: int


@dataclass
class IngestServer:
    """What came in, and what is answered: ``reply`` is asked with each batch's lines."""

    url: str = ""
    reply: Callable[[list[bytes]], Reply] = field(default=lambda _: Reply())
    batches: list[Batch] = field(default_factory=list)

    @property
    def taken(self) -> list[bytes]:
        """Vectors in the order in which they were acknowledged; refused ones too, which are final."""
        return [line for batch in self.batches if batch.status == 200 for line in batch.lines]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without asking a name server what 127.0.0.1 is called."""
        TCPServer.server_bind(self)


@contextmanager
def ingest_server(port: int = 0) -> Iterator[IngestServer]:
    """Serve until the end of the block."""
    ingest = IngestServer()
    server = _Server(("127.0.0.1", port), _handler(ingest))
    ingest.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ingest
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(ingest: IngestServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not body.endswith(b"\n"):
                return
            lines = body.splitlines()
            reply = ingest.reply(lines)
            ingest.batches.append(
                Batch(
                    path=self.path,
                    headers=dict(self.headers.items()),
                    client_port=self.client_address[1],
                    lines=lines,
                    status=reply.status,
                )
            )
            content = reply.content(len(lines))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

        def handle(self) -> None:
            """A client that was killed is no failure of the server's."""
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    return Handler
