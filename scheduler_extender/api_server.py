"""The Kubernetes API server as the extender asks it: two kinds of GET, with the service account of a pod.

urllib3 and no Kubernetes client: the official one costs 85 MB of memory for its models, of which none is wanted here.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3

from scheduler_extender.errors import ApiError, ExtenderError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_CONNECT_SECONDS = 5.0
_KEPT_ALIVE = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""A peer that vanished without a word is known after half a minute, though a watch may be silent for longer."""

_HEADERS = {"Accept": "application/json", "User-Agent": "leeward-extender"}
_LONGEST_MESSAGE = 300
_SHOWN_BODY_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """Where the API server is and how it is trusted.

    Attributes:
        url: ``https://host:port``; without TLS only for a proxy on loopback.
        ca_file: the certificate authority; the system's where absent.
        token_file: a bearer token, read for each request since the kubelet rotates it; none is sent where absent.

    Raises:
        ExtenderError: the URL is none of HTTP.
    """

    url: str
    ca_file: Path | None = None
    token_file: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            lawful = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            lawful = False
        if not lawful:
            raise ExtenderError(f"API server {self.url!r} is no HTTP address: write https://host:port")

    @classmethod
    def in_cluster(cls, environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Self | None:
        """The server that the kubelet names to pods; ``None`` outside a pod, or where no token is mounted.

        Args:
            environment: has ``KUBERNETES_SERVICE_HOST`` and ``KUBERNETES_SERVICE_PORT`` in a pod.
            account: where the service account is mounted.

        Raises:
            ExtenderError: host and port are no address.
        """
        host = environment.get("KUBERNETES_SERVICE_HOST", "")
        if not host or not (account / "token").is_file():
            return None
        port = environment.get("KUBERNETES_SERVICE_PORT", "443")
        return cls(
            url=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            ca_file=account / "ca.crt",
            token_file=account / "token",
        )


class _Refusal(msgspec.Struct):
    """What is read of a Kubernetes ``Status``."""

    message: str


_REFUSAL = msgspec.json.Decoder(_Refusal)


class ApiReader:
    """Reads from one API server; each thread wants its own."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        authority = None if server.ca_file is None else str(server.ca_file)
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, ca_certs=authority, socket_options=_KEPT_ALIVE)

    @contextmanager
    def answering(
        self, path: str, query: Mapping[str, str], *, silent_seconds: float, accept: str = "application/json"
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """A successful answer whose body is still to be read.

        Args:
            path: from ``/`` on.
            query: parameters.
            silent_seconds: after so long without a byte the server counts as gone.
            accept: the media type that is asked for.

        Raises:
            ApiError: the server can't be reached, falls silent while the answer is read, or refuses.
        """
        try:
            response = self._pool.request(
                "GET",
                f"{self.server.url.rstrip('/')}{path}?{urlencode(query)}",
                headers=_HEADERS | self._authorization() | {"Accept": accept},
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=silent_seconds),
            )
            try:
                if response.status != 200:
                    raise _refusal(path, response)
                yield response
            finally:
                response.close()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise ApiError(
                f"API server {self.server.url} can't be read ({path}): {str(error) or type(error).__name__}"
            ) from (error)

    def close(self) -> None:
        """Close the connection; another request opens one again."""
        self._pool.clear()

    def _authorization(self) -> dict[str, str]:
        if self.server.token_file is None:
            return {}
        return {"Authorization": f"Bearer {self.server.token_file.read_text(encoding='ascii').strip()}"}


def _refusal(path: str, response: urllib3.BaseHTTPResponse) -> ApiError:
    body = response.read(_SHOWN_BODY_BYTES)
    try:
        message = _REFUSAL.decode(body).message
    except (msgspec.DecodeError, UnicodeError):
        message = body.decode("utf-8", errors="replace")
    told = response.headers.get("Retry-After", "")
    return ApiError(
        f"API server refuses {path} with {response.status}: {' '.join(message.split())[:_LONGEST_MESSAGE]}",
        status=response.status,
        asked_seconds=float(told) if told.isascii() and told.isdecimal() else 0.0,
    )
