"""What the agent shows over HTTP: ``/metrics``, ``/livez`` and ``/readyz``; to few clients at once, to none for long.

One request a connection. A client has some seconds in all, not a time limit for each byte, and may say no more than a
few kilobytes; where too many are there, the oldest has to go. So a slow or hostile client costs next to no memory and
keeps no probe out. Python's own HTTP server bounds none of this.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from threading import BoundedSemaphore, Event, Lock, Thread

from agent.troubles import Troubles
from serving.exposition import CONTENT_TYPE

CLIENT_SECONDS = 5.0
"""What a client has from its arrival to its leaving."""
MAXIMUM_CLIENTS = 8
BACKLOG = 64
"""How many the kernel keeps waiting: beyond it a client's own kernel tries again after a second."""
LONGEST_REQUEST_BYTES = 8192
RETRY_SECONDS = 30.0

_PLAIN = "text/plain; charset=utf-8"
_PATHS = "/metrics, /livez, /readyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is to show; all are asked in a client's own thread.

    Attributes:
        exposition: the metrics, in Prometheus' text format.
        hanging: why the loop makes no progress, ``None`` where it does.
        unready: why readers can't rely on the node's NodeState, ``None`` where they can.
    """

    exposition: Callable[[], str]
    hanging: Callable[[], str | None]
    unready: Callable[[], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    status: HTTPStatus
    text: str
    content_type: str = _PLAIN
    allow: str = ""


class StatusServer:
    """Listens while it is started. Where the port is taken it tells so, and tries again now and then.

    Args:
        address: host, empty for all of IPv4, and port, 0 for a free one.
        status: what is shown.
        troubles: told ``listen-failed``.
        client_seconds: what a client has.
        retry_seconds: between two tries to listen.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        status: Status,
        troubles: Troubles,
        client_seconds: float = CLIENT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._address = address
        self._status = status
        self._troubles = troubles
        self._client_seconds = client_seconds
        self._retry_seconds = retry_seconds
        self._stopping = Event()
        self._listener: socket.socket | None = None
        self._thread = Thread(target=self._run, name="status-server", daemon=True)
        self._places = BoundedSemaphore(MAXIMUM_CLIENTS)
        self._clients: list[socket.socket] = []
        self._lock = Lock()

    @property
    def port(self) -> int | None:
        """On which it listens; ``None`` where it does not."""
        listener = self._listener
        return None if listener is None else int(listener.getsockname()[1])

    def start(self) -> None:
        """Listen, and answer from a thread of its own."""
        self._listener = self._listening()
        self._thread.start()

    def close(self) -> None:
        """Stop listening and leave the clients; a second call does nothing."""
        self._stopping.set()
        with self._lock:
            leaving = [*self._clients, *([self._listener] if self._listener else [])]
            for each in leaving:
                _hang_up(each)
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _listening(self) -> socket.socket | None:
        host, port = self._address
        is_all_v6 = host == "::" and socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_all_v6)
        except OSError as error:
            self._troubles.tell(
                "listen-failed",
                f"can't listen on port {port} of {host or 'all addresses'}: {error.strerror}; no metrics and no health "
                "over HTTP meanwhile: free the port, or set listen to another",
            )
            return None
        self._troubles.clear("listen-failed")
        return listener

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._listener is None:
                if not self._stopping.wait(self._retry_seconds):
                    self._listener = self._listening()
                continue
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed; or out of descriptors, which passes
                self._stopping.wait(1.0)
                continue
            self._admit(client)
        if self._listener is not None:
            self._listener.close()

    def _admit(self, client: socket.socket) -> None:
        if not self._places.acquire(blocking=False):
            with self._lock:
                for oldest in self._clients[:1]:
                    _hang_up(oldest)
            self._places.acquire()
        with self._lock:
            self._clients.append(client)
        try:
            Thread(target=self._attend, args=(client,), name="status-client", daemon=True).start()
        except RuntimeError:  # no more threads may be had, which passes
            self._leave(client)
            client.close()

    def _attend(self, client: socket.socket) -> None:
        try:
            with client:
                self._converse(client)
        except OSError:  # it has gone, or had to
            return
        finally:
            self._leave(client)

    def _leave(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.remove(client)
        self._places.release()

    def _converse(self, client: socket.socket) -> None:
        leaves_seconds = time.monotonic() + self._client_seconds
        head = _head(client, leaves_seconds=leaves_seconds)
        if head is None:
            return
        _wait_no_longer(client, leaves_seconds)
        client.sendall(self._answer(head))
        client.shutdown(socket.SHUT_WR)
        while client.recv(LONGEST_REQUEST_BYTES):  # closing on what was not read would take the answer back
            _wait_no_longer(client, leaves_seconds)

    def _answer(self, head: bytes) -> bytes:
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(head) > LONGEST_REQUEST_BYTES or len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _rendered(_Page(status=HTTPStatus.BAD_REQUEST, text="this is no HTTP/1 request of lawful size"))
        method, target, _ = words
        if method not in {"GET", "HEAD"}:
            page = _Page(status=HTTPStatus.METHOD_NOT_ALLOWED, text="there is only to read here", allow="GET, HEAD")
        else:
            page = self._page(target.partition("?")[0])
        return _rendered(page, with_body=method != "HEAD")

    def _page(self, path: str) -> _Page:
        match path:
            case "/metrics":
                return _Page(status=HTTPStatus.OK, text=self._status.exposition(), content_type=CONTENT_TYPE)
            case "/livez":
                return _health(self._status.hanging())
            case "/readyz":
                return _health(self._status.unready())
        return _Page(status=HTTPStatus.NOT_FOUND, text=f"there is nothing here; ask for {_PATHS}")


def _health(complaint: str | None) -> _Page:
    if complaint is None:
        return _Page(status=HTTPStatus.OK, text="ok")
    return _Page(status=HTTPStatus.SERVICE_UNAVAILABLE, text=complaint)


def _head(client: socket.socket, *, leaves_seconds: float) -> bytes | None:
    """A request up to its empty line, or as much of it as is too long; ``None`` where the client leaves before."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) <= LONGEST_REQUEST_BYTES:
        _wait_no_longer(client, leaves_seconds)
        part = client.recv(LONGEST_REQUEST_BYTES)
        if not part:
            return None
        head += part
    return head


def _wait_no_longer(client: socket.socket, until_seconds: float) -> None:
    left = until_seconds - time.monotonic()
    if left <= 0:
        raise TimeoutError
    client.settimeout(left)


def _rendered(page: _Page, *, with_body: bool = True) -> bytes:
    body = page.text.encode() if page.content_type != _PLAIN else f"{page.text}\n".encode()
    lines = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.content_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([f"Allow: {page.allow}"] if page.allow else []),
    ]
    head = "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")
    return head + body if with_body else head


def _hang_up(connection: socket.socket) -> None:
    """End what waits for it, in whichever thread."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other end was first
        return
