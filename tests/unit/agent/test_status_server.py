"""The real server, asked over real sockets."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.status_server import LONGEST_REQUEST_BYTES, MAXIMUM_CLIENTS, Status, StatusServer
from agent.troubles import Troubles

WELL = Status(exposition=lambda: "a 1\n", hanging=lambda: None, unready=lambda: None)
AMISS = Status(exposition=lambda: "", hanging=lambda: "the loop hangs", unready=lambda: "nothing published")


@contextmanager
def serving(status: Status = WELL, *, client_seconds: float = 30.0, host: str = "127.0.0.1") -> Iterator[int]:
    server = StatusServer((host, 0), status=status, troubles=Troubles(), client_seconds=client_seconds)
    server.start()
    with closing(server):
        assert server.port is not None
        yield server.port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as found:
        yield found


def ask(port: int, path: str, method: str = "GET", *, host: str = "127.0.0.1") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(host, port, timeout=30.0)
    connection.request(method, path)
    return connection.getresponse()


def said(port: int, request: bytes) -> bytes:
    """All that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_metrics_are_there_in_prometheus_own_type(port: int) -> None:
    answer = ask(port, "/metrics")
    assert (answer.status, answer.read()) == (200, b"a 1\n")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert ask(port, "/metrics?name[]=a").status == 200


@pytest.mark.parametrize(("path", "complaint"), [("/livez", b"the loop hangs\n"), ("/readyz", b"nothing published\n")])
def test_health_is_ok_or_says_why_not(path: str, complaint: bytes, port: int) -> None:
    well = ask(port, path)
    assert (well.status, well.read()) == (200, b"ok\n")
    with serving(AMISS) as amiss:
        answer = ask(amiss, path)
        assert (answer.status, answer.read()) == (503, complaint)


def test_a_head_is_a_get_without_its_body(port: int) -> None:
    answer = ask(port, "/livez", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, "3", b"")


def test_there_is_nothing_else_and_nothing_to_write(port: int) -> None:
    assert ask(port, "/").status == 404
    assert b"/metrics, /livez, /readyz" in ask(port, "/livez/").read()
    answer = ask(port, "/metrics", "POST")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_an_answer_arrives_though_the_request_had_a_body_that_nobody_read(port: int) -> None:
    head = b"PUT /livez HTTP/1.1\r\nContent-Length: 40000\r\n\r\n"
    assert said(port, head + b"x" * 40_000).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /livez\r\n\r\n",
        b"GET /livez HTTP/2\r\n\r\n",
        b"GET  /livez HTTP/1.1\r\n\r\n",
        b"\xff\xfe\x00 \x16\x03\x01 abc\r\n\r\n",
        b"GET /" + b"a" * 3 * LONGEST_REQUEST_BYTES,
        b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * LONGEST_REQUEST_BYTES + b"\r\n",
    ],
    ids=["empty", "word", "0.9", "2", "blanks", "tls", "long-line", "long-head"],
)
def test_what_is_no_request_of_lawful_size_is_told_so(request_bytes: bytes, port: int) -> None:
    assert said(port, request_bytes).startswith(b"HTTP/1.1 400 ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=200))
def test_no_bytes_keep_it_from_answering_the_next(port: int, junk: bytes) -> None:
    answer = said(port, junk)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert ask(port, "/livez").status == 200


def test_whoever_says_nothing_or_says_it_slowly_has_to_leave() -> None:
    with serving(client_seconds=0.5) as port:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=30.0) as slow:
            slow.sendall(b"GET /livez HTTP/1.1\r\n")
            while time.monotonic() - begun < 30.0:
                try:
                    slow.sendall(b"X")
                except OSError:
                    break
                time.sleep(0.05)
        assert 0.3 < time.monotonic() - begun < 20.0


def test_however_many_hold_a_connection_the_next_one_is_answered() -> None:
    with serving() as port, ExitStack() as crowd:
        for _ in range(3 * MAXIMUM_CLIENTS):
            crowd.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30.0))
        assert ask(port, "/livez").status == 200


def test_a_client_that_leaves_in_the_midst_disturbs_nobody(port: int) -> None:
    for _ in range(2 * MAXIMUM_CLIENTS):
        client = socket.create_connection(("127.0.0.1", port), timeout=30.0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        client.close()
    assert ask(port, "/livez").status == 200


def test_ipv6_is_served_where_the_machine_has_it() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 loopback on this machine: {error.strerror}")
    for host in ("::1", "::"):
        with serving(host=host) as port:
            assert ask(port, "/livez", host="::1").status == 200


def test_a_taken_port_is_a_trouble_and_no_end() -> None:
    troubles = Troubles()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = StatusServer(("127.0.0.1", taken.getsockname()[1]), status=WELL, troubles=troubles)
        server.start()
        assert server.port is None
        (trouble,) = troubles.present
        assert trouble.name == "listen-failed"
        assert "Address already in use" in trouble.sentence
        assert "no metrics and no health over HTTP meanwhile: free the port, or set listen" in trouble.sentence
        begun = time.monotonic()
        server.close()
        assert time.monotonic() - begun < 5.0


def test_once_the_port_is_free_it_is_taken() -> None:
    troubles = Troubles()
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    server = StatusServer(("127.0.0.1", port), status=WELL, troubles=troubles, retry_seconds=0.05)
    server.start()
    with closing(server):
        assert troubles.present
        taken.close()
        _wait_until_listening(server)
        assert ask(port, "/livez").status == 200
        assert not troubles.present


def test_after_closing_nobody_listens_and_nobody_waits() -> None:
    server = StatusServer(("127.0.0.1", 0), status=WELL, troubles=Troubles())
    server.start()
    port = server.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as waiting:
        assert ask(port, "/livez").status == 200
        server.close()
        server.close()
        assert waiting.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5.0)


def _wait_until_listening(server: StatusServer) -> None:
    deadline = time.monotonic() + 30.0
    while server.port is None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_where_no_thread_can_be_had_clients_are_turned_away_until_one_can(port: int) -> None:
    """As under a limit of processes; here by stacks that no address space holds."""
    usual = threading.stack_size(1 << 46)
    try:
        for _ in range(MAXIMUM_CLIENTS + 1):
            with pytest.raises((http.client.HTTPException, OSError)):
                ask(port, "/livez")
    finally:
        threading.stack_size(usual)
    assert ask(port, "/livez").status == 200
