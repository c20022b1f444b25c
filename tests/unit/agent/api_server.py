"""A small HTTPS server on loopback that takes NodeStates as the Kubernetes API does, and records what came in."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

COLLECTION = "/apis/leeward.dev/v1/nodestates"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, and the client's port: the same for requests on one connection."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    client_port: int


class Manner(Enum):
    """How the server gets its answers across."""

    WELL = auto()
    HANG_UP = auto()
    """Closes the connection after each answer without saying so beforehand."""
    HANG = auto()
    """Takes the request and says nothing until ``Api.released``."""
    SLOW = auto()
    """Sends the answer in pieces, with pauses."""
    TEAR = auto()
    """Closes in the midst of the answer."""
    GARBAGE = auto()
    """Answers something that is no HTTP."""


@dataclass
class Api:
    """What the server holds, and what it answers.

    ``refusal`` answers every request with a code and a body, ``refusals`` one request each; ``retry_after`` goes with
    every answer. ``clock_ahead`` is how far the server's clock is ahead. ``hanging`` is set once a request hangs.
    """

    port: int = 0
    token: str = "first-token"
    objects: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    refusal: tuple[int, bytes] | None = None
    refusals: list[tuple[int, bytes]] = field(default_factory=list)
    retry_after: str | None = None
    manner: Manner = Manner.WELL
    clock_ahead: timedelta = timedelta()
    hanging: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    crd_is_applied: bool = True

    def answer(self, request: Request) -> tuple[int, bytes]:
        if self.refusals:
            return self.refusals.pop(0)
        if self.refusal is not None:
            return self.refusal
        if request.headers["Authorization"] != f"Bearer {self.token}":
            return 401, _status("Unauthorized")
        return self._applied(request) if self.crd_is_applied else (404, b"404 page not found\n")

    def _applied(self, request: Request) -> tuple[int, bytes]:
        name, _, subresource = request.path.removeprefix(f"{COLLECTION}/").partition("/")
        if request.body["metadata"] != {"name": name} or subresource not in {"", "status"}:
            return 400, _status("the name of the object does not match the name on the URL")
        if subresource == "status":
            if name not in self.objects:
                return 404, _status(f'nodestates.leeward.dev "{name}" not found')
            self.objects[name]["status"] = request.body["status"]
            return 200, json.dumps(self.objects[name]).encode()
        created = name not in self.objects
        self.objects.setdefault(
            name,
            {
                "apiVersion": "leeward.dev/v1",
                "kind": "NodeState",
                "metadata": {"name": name, "uid": "u-1", "generation": 1, "managedFields": [{"manager": "kubectl"}]},
            },
        )
        return 201 if created else 200, json.dumps(self.objects[name]).encode()


def _status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "status": "Failure", "message": message}).encode()


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking a name server what 127.0.0.1 is called."""
        TCPServer.server_bind(self)


@contextmanager
def api_server(account: Path) -> Iterator[Api]:
    """Serve, with a certificate for 127.0.0.1; the service account's files lie in ``account``."""
    api = Api()
    account.mkdir(parents=True, exist_ok=True)
    key_file = account.parent / "key.pem"
    _write_certificate(account / "ca.crt", key_file)
    (account / "token").write_text(api.token + "\n")
    server = _Server(("127.0.0.1", 0), _handler(api))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_PATCH(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query),
                headers=dict(self.headers.items()),
                body=json.loads(self.rfile.read(int(self.headers["Content-Length"]))),
                client_port=self.client_address[1],
            )
            api.requests.append(request)
            code, content = api.answer(request)
            self.close_connection = api.manner is not Manner.WELL
            match api.manner:
                case Manner.GARBAGE:
                    self.wfile.write(b"\x15\x03\x01 no HTTP at all\r\n\r\n")
                    return
                case Manner.HANG:
                    api.hanging.set()
                    api.released.wait()
            self.send_response_only(code)
            self.send_header("Date", format_datetime(datetime.now(UTC) + api.clock_ahead, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if api.retry_after is not None:
                self.send_header("Retry-After", api.retry_after)
            self.end_headers()
            self._send(content)

        def _send(self, content: bytes) -> None:
            half = len(content) // 2
            match api.manner:
                case Manner.TEAR:
                    self.wfile.write(content[:half])
                case Manner.SLOW:
                    for piece in (content[:half], content[half:]):
                        time.sleep(0.05)
                        self.wfile.write(piece)
                        self.wfile.flush()
                case _:
                    self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    return Handler


def _write_certificate(certificate_file: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
