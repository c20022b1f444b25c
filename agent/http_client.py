"""One HTTP server that the agent talks to: a kept connection, a time limit, and answers of a bounded size."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agent.errors import AgentError, UnreachableError

TIMEOUT_SECONDS = 5.0
"""For connecting, and for each wait for bytes: shorter than a pod is given to end."""
ANSWER_SECONDS = 60.0
"""For a whole answer: a server that says it byte by byte would hold a thread for days."""
LONGEST_ANSWER_BYTES = 1 << 20
USER_AGENT = "leeward-agent"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CLOSED_MEANWHILE = (ConnectionError, http.client.BadStatusLine, ssl.SSLEOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said.

    Attributes:
        status: HTTP status code.
        headers: by name in lower case.
        body: whole.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    def retry_after_seconds(self, *, now: datetime | None = None) -> float | None:
        """How long the server asks to be left alone, by ``Retry-After`` in either form (RFC 9110, 10.2.3).

        Args:
            now: UTC, for the form that names a date; the system's where absent.

        >>> Answer(status=429, headers={"retry-after": "7"}).retry_after_seconds()
        7.0
        """
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            return float(text)
        date = _http_date(text)
        return None if date is None else max((date - (now or datetime.now(UTC))).total_seconds(), 0.0)

    @property
    def date(self) -> datetime | None:
        """The server's own clock as it wrote the answer, UTC, in whole seconds (RFC 9110, 6.6.1)."""
        return _http_date(self.headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    """A header's date; ``None`` where it is none, or none that a ``datetime`` can hold."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server is and how it is trusted.

    Attributes:
        url: ``http://host:port`` or ``https://host:port``, with a path in front of all requests if there is one.
        ca_file: the certificate authority, read for each connection; the system's where absent.
        token_file: a bearer token, read for each request since the kubelet rotates it; none is sent where absent.

    Raises:
        AgentError: the URL is none of HTTP.
    """

    url: str
    ca_file: Path | None = None
    token_file: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            lawful = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            lawful = False
        if not lawful:
            raise AgentError(f"server {self.url!r} is no HTTP address: write http://host:port or https://host:port")

    @property
    def is_encrypted(self) -> bool:
        """Whether requests go over TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def host(self) -> str:
        """Name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port."""
        parts = urlsplit(self.url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def path(self) -> str:
        """What goes in front of every request's path; empty, or from ``/`` on and without one at the end."""
        return urlsplit(self.url).path.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    target: str
    body: bytes
    headers: Mapping[str, str]
    longest_answer_bytes: int


class HttpClient:
    """Requests to one server, one at a time; not for several threads.

    A connection is kept between requests. One that the server closed meanwhile is opened again and the request sent
    once more, so every request must be one that may be sent twice.

    Args:
        server: whom to ask.
        timeout_seconds: for connecting and each wait, above zero.
        answer_seconds: for a whole answer, above zero.
    """

    def __init__(
        self, server: Server, *, timeout_seconds: float = TIMEOUT_SECONDS, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._response_class = _timed_response(answer_seconds)
        self._connection: http.client.HTTPConnection | None = None

    @property
    def server(self) -> Server:
        """Whom it asks."""
        return self._server

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        longest_answer_bytes: int = LONGEST_ANSWER_BYTES,
    ) -> Answer:
        """Send a request and read the whole answer.

        Args:
            method: ``GET``, ``POST``, ``PATCH``.
            path: from ``/`` on, query included.
            body: empty for none.
            headers: besides the client's own.
            longest_answer_bytes: a longer body is not read.

        Raises:
            UnreachableError: no answer, a torn one, or one that is too long; says which server and why.
        """
        sent = {"User-Agent": USER_AGENT, **(headers or {})}
        try:
            if self._server.token_file is not None:
                sent["Authorization"] = f"Bearer {self._server.token_file.read_text(encoding='ascii').strip()}"
            return self._exchange(
                _Request(
                    method=method,
                    target=self._server.path + path,
                    body=body,
                    headers=sent,
                    longest_answer_bytes=longest_answer_bytes,
                )
            )
        except (OSError, http.client.HTTPException, ValueError) as error:  # http.client raises ValueError for headers
            self.close()
            raise UnreachableError(
                f"{self._server.host}:{self._server.port} can't be reached: {str(error) or type(error).__name__}"
            ) from error

    def close(self) -> None:
        """Close the connection; a second call does nothing, and another request opens one again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, request: _Request) -> Answer:
        if self._connection is not None:
            try:
                return _ask(self._connection, request)
            except _CLOSED_MEANWHILE:
                self.close()
        self._connection = self._new_connection()
        return _ask(self._connection, request)

    def _new_connection(self) -> http.client.HTTPConnection:
        connection = self._bare_connection()
        connection.response_class = self._response_class
        return connection

    def _bare_connection(self) -> http.client.HTTPConnection:
        server = self._server
        if not server.is_encrypted:
            return http.client.HTTPConnection(server.host, server.port, timeout=self._timeout_seconds)
        context = ssl.create_default_context(cafile=server.ca_file)
        return http.client.HTTPSConnection(server.host, server.port, timeout=self._timeout_seconds, context=context)


def _timed_response(answer_seconds: float) -> type[http.client.HTTPResponse]:
    """An answer, its head included, that has so long in all and not for each piece."""

    class TimedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            self.fp = io.BufferedReader(_TimedPieces(sock, answer_seconds=answer_seconds))

    return TimedResponse


class _TimedPieces(io.RawIOBase):
    """What a socket receives, up to a time."""

    def __init__(self, sock: socket.socket, *, answer_seconds: float) -> None:
        self._received = sock.makefile("rb", buffering=0)
        self._answer_seconds = answer_seconds
        self._ends_at_seconds = time.monotonic() + answer_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_seconds = self._ends_at_seconds - time.monotonic()
        if left_seconds <= 0.0:
            raise TimeoutError(f"its answer takes over {self._answer_seconds:g} s")
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


def _ask(connection: http.client.HTTPConnection, request: _Request) -> Answer:
    connection.request(request.method, request.target, body=request.body or None, headers=dict(request.headers))
    response = connection.getresponse()
    content = _body(response, request)
    return Answer(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        body=content,
    )


def _body(response: http.client.HTTPResponse, request: _Request) -> bytes:
    asked, longest = f"its answer to {request.method} {request.target}", request.longest_answer_bytes
    promised, content = response.length, bytearray()
    while len(content) != promised and (piece := response.read1(longest + 1 - len(content))):
        content += piece
        if len(content) > longest:
            raise http.client.HTTPException(f"{asked} is longer than {longest} bytes")
    if promised is not None and len(content) < promised:
        raise http.client.IncompleteRead(bytes(content), promised - len(content))
    response.close()
    return bytes(content)
