"""A server on loopback that answers every GET with one code, in clear text or over TLS."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

from tests.unit.agent.api_server import _write_certificate


@dataclass
class Asked:
    """Where the server is, and what it was asked: path and ``Authorization``."""

    port: int = 0
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking a name server what 127.0.0.1 is called."""
        TCPServer.server_bind(self)


@contextmanager
def answering_server(code: int, *, account: Path | None = None) -> Iterator[Asked]:
    """Serve; over TLS where ``account`` says into which directory the certificate and a token go."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.requests.append((self.path, self.headers["Authorization"]))
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    if account is not None:
        account.mkdir()
        _write_certificate(account / "ca.crt", account / "key.pem")
        (account / "token").write_text("a-token\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(account / "ca.crt", account / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    asked.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
