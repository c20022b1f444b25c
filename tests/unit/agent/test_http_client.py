"""The client against a plain HTTP server on loopback; TLS and tokens are held by the API publisher's tests."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

import pytest

from agent.errors import AgentError, UnreachableError
from agent.http_client import Answer, HttpClient, Server


class _Http(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking a name server what 127.0.0.1 is called."""
        TCPServer.server_bind(self)


@dataclass
class Echo:
    """Answers every request with what it was, as text."""

    url: str = ""
    hang_up: bool = False
    tears: bool = False
    chunks: bool = False
    client_ports: list[int] = field(default_factory=list)


@pytest.fixture
def echo() -> Iterator[Echo]:
    served = Echo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = f"{self.command} {self.path} {body.decode()} {self.headers.get('Authorization')}".encode()
            served.client_ports.append(self.client_address[1])
            self.send_response(429 if self.path.endswith("busy") else 200)
            if served.chunks:
                self.send_header("Transfer-Encoding", "chunked")
                content = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
            else:
                self.send_header("Content-Length", str(len(content)))
            self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(content[: len(content) // (2 if served.tears else 1)])
            self.close_connection = served.hang_up or served.tears

        do_GET = do_POST = _answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = _Http(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_requests_share_a_connection_and_carry_path_body_and_token(echo: Echo, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    client = HttpClient(Server(url=echo.url + "/base/", token_file=tmp_path / "token"))
    assert client.exchange("POST", "/a?b=c", body=b"content").body == b"POST /base/a?b=c content Bearer one"
    (tmp_path / "token").write_text("two\n")
    assert client.exchange("GET", "/a").body == b"GET /base/a  Bearer two"
    assert len(set(echo.client_ports)) == 1
    client.close()
    client.close()


def test_a_connection_that_the_server_closed_is_opened_again(echo: Echo) -> None:
    echo.hang_up = True
    client = HttpClient(Server(url=echo.url))
    assert [client.exchange("GET", "/").status for _ in range(3)] == [200] * 3
    assert len(set(echo.client_ports)) == 3


def test_an_answer_that_is_too_long_is_refused(echo: Echo) -> None:
    client = HttpClient(Server(url=echo.url))
    with pytest.raises(UnreachableError, match=r"127.0.0.1:\d+ can't be reached: .* longer than 5 bytes"):
        client.exchange("GET", "/", longest_answer_bytes=5)
    assert client.exchange("GET", "/").status == 200


def test_a_server_that_is_away_and_a_token_that_is_missing_are_told(tmp_path: Path) -> None:
    with TCPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        port = taken.server_address[1]
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port} can't be reached: .*refused"):
        HttpClient(Server(url=f"http://127.0.0.1:{port}")).exchange("GET", "/")
    with pytest.raises(UnreachableError, match="token"):
        HttpClient(Server(url="http://127.0.0.1:1", token_file=tmp_path / "token")).exchange("GET", "/")


def test_answers_in_chunks_share_a_connection(echo: Echo) -> None:
    """As the API server answers with more than some 4 kB."""
    echo.chunks = True
    client = HttpClient(Server(url=echo.url))
    assert [client.exchange("GET", f"/{number}").body for number in range(3)] == [
        f"GET /{number}  None".encode() for number in range(3)
    ]
    assert len(set(echo.client_ports)) == 1


def test_a_token_that_is_no_header_is_told(echo: Echo, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\ntwo")
    client = HttpClient(Server(url=echo.url, token_file=tmp_path / "token"))
    with pytest.raises(UnreachableError, match="Invalid header value"):
        client.exchange("GET", "/")


def test_a_body_that_ends_early_is_no_answer(echo: Echo) -> None:
    echo.tears = True
    client = HttpClient(Server(url=echo.url))
    with pytest.raises(UnreachableError, match="more expected"):
        client.exchange("GET", "/")


def _drip(listener: socket.socket, begun: bytes, rest: bytes) -> None:
    """Answer one client byte by byte until it has had enough."""
    client, _ = listener.accept()
    with client:
        client.sendall(begun)
        try:
            while True:
                client.sendall(rest)
                time.sleep(0.01)
        except OSError:
            return


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ],
    ids=["status", "header", "continue", "body", "chunk"],
)
def test_an_answer_that_comes_in_drops_is_not_waited_for_for_ever(begun: bytes, rest: bytes) -> None:
    """Each drop comes well within the time of one wait."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = threading.Thread(target=_drip, args=(listener, begun, rest), daemon=True)
        dripping.start()
        client = HttpClient(Server(url=f"http://127.0.0.1:{listener.getsockname()[1]}"), answer_seconds=0.3)
        with pytest.raises(UnreachableError, match=r"can't be reached: its answer takes over 0.3 s"):
            client.exchange("GET", "/")
        dripping.join(30.0)
        assert not dripping.is_alive(), "the connection was closed"


def test_a_busy_server_says_when_to_come_back(echo: Echo) -> None:
    answer = HttpClient(Server(url=echo.url)).exchange("GET", "/busy")
    assert not answer.is_success
    assert answer.retry_after_seconds() == 3.0


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def asked(text: str) -> float | None:
        return Answer(status=503, headers={"retry-after": text}).retry_after_seconds(now=now)

    assert asked(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90.0
    assert asked(format_datetime(now - timedelta(seconds=90), usegmt=True)) == 0.0
    assert asked("soon") is None
    assert asked("Mon, 01 Jan 2024 00:00:00 +99999999999999999999") is None
    assert asked("-5") is None
    assert Answer(status=503).retry_after_seconds(now=now) is None


@pytest.mark.parametrize(
    "url", ["ftp://host", "host:80", "http://", "http://host:port", "http://[", "http://host:99999"]
)
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(AgentError, match=r"is no HTTP address: write http://host:port or https://host:port"):
        Server(url=url)


def test_a_url_is_taken_apart() -> None:
    server = Server(url="https://[::1]/ingest/")
    assert (server.host, server.port, server.path, server.is_encrypted) == ("::1", 443, "/ingest", True)
