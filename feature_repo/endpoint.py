"""The ingest endpoint, over HTTP: vectors from node agents into ``Ingest``, and the latest profiles out of the store.

``docs/ingest-api.md`` has the protocol.
"""

import asyncio
import gc
import logging
import resource
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feature_repo.damaged import count_damaged
from feature_repo.errors import FeatureRepositoryError
from feature_repo.group_commit import PAUSE_SECONDS, GroupCommit, Lines
from feature_repo.housekeeping import Housekeeping
from feature_repo.ingest import Ingest
from feature_repo.ingest_metrics import CONTENT_TYPE as METRICS_TYPE
from feature_repo.ingest_metrics import IngestMetrics
from feature_repo.profile_pages import ProfilePages
from feature_repo.report import IngestReport
from feature_repo.settings import Profile
from feature_repo.store import open_store
from feature_repo.waiting_room import FullError, Place, WaitingRoom

PATH = "/v1/vectors"
PROFILES_PATH = "/v1/profiles"
CONTENT_TYPE = "application/x-ndjson"

LONGEST_BODY_BYTES = 4 << 20
MOST_VECTORS = 4096
"""In a batch; agents halve what is refused as too large."""
BODY_SECONDS = 10.0
"""For a body to arrive, so that a stalled sender does not keep another's place."""
RETRY_AFTER_SECONDS = 2
"""Agents add a random time of their own."""

_LAST_REQUESTS_SECONDS = 10
_LOGGER = logging.getLogger("leeward.ingest")


def create_app(
    ingest: Ingest,
    *,
    profiles: ProfilePages | None = None,
    metrics: IngestMetrics | None = None,
    room: WaitingRoom | None = None,
    longest_body_bytes: int = LONGEST_BODY_BYTES,
    body_seconds: float = BODY_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> Starlette:
    """The endpoint's application.

    Args:
        ingest: takes the batches.
        profiles: are handed out; none, if absent.
        metrics: count what happens; new ones, if absent.
        room: bounds what is received or written at a time.
        longest_body_bytes: a longer body is refused and not kept.
        body_seconds: for a body to arrive.
        pause_seconds: from one write to the next, which takes all batches that came meanwhile.
    """
    metrics, room = metrics or IngestMetrics(), room or WaitingRoom()
    metrics.watch("waiting_batches", "Batches that are being received or written.", lambda: room.batches)
    metrics.watch("waiting_bytes", "Bytes of their bodies that have arrived.", lambda: room.size_bytes)
    intake = _Intake(ingest, metrics=metrics, pause_seconds=pause_seconds)

    async def vectors(request: Request) -> Response:
        try:
            with room.place() as place:
                _refuse_foreign_content(request)
                body = await _punctual_body(request, place, limit_bytes=longest_body_bytes, seconds=body_seconds)
                return JSONResponse(_document(await intake.take(_vectors_in(body))))
        except FullError as error:
            metrics.turned_away("full")
            raise _come_again(str(error)) from error

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def exposition(_: Request) -> Response:
        return Response(metrics.exposition(), media_type=METRICS_TYPE)

    routes = [
        Route(PATH, vectors, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/metrics", exposition),
    ]
    if profiles is not None:
        metrics.watch("profiles", "Workloads with a profile, when last looked.", profiles.__len__)
        routes.append(Route(PROFILES_PATH, _handing_out(profiles)))
    return Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused},
    )


def _handing_out(profiles: ProfilePages) -> Callable[[Request], Awaitable[Response]]:
    """One page at a time is made off the event loop, however many ask: threads are for those who write."""
    turn = asyncio.Lock()

    async def page(request: Request) -> Response:
        try:
            async with turn:
                found = await asyncio.to_thread(profiles.page, request.query_params.get("after", ""))
        except (OSError, sqlite3.Error, FeatureRepositoryError) as error:
            raise _come_again(f"the store can't be read: {error}") from error
        headers = {"ETag": f'"{found.digest}"', "Cache-Control": "no-cache"}
        if found.following:
            headers["Link"] = f'<{PROFILES_PATH}?{urlencode({"after": found.following})}>; rel="next"'
        if _is_known(request, headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(found.body, media_type=CONTENT_TYPE, headers=headers)

    return page


def _is_known(request: Request, tag: str) -> bool:
    """Whether the sender has it, by its ``If-None-Match`` (RFC 9110, 13.1.2)."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)


class _Intake:
    """Has batches written off the event loop; says once when the store can't be, and once when it can again."""

    def __init__(self, ingest: Ingest, *, metrics: IngestMetrics, pause_seconds: float) -> None:
        self._metrics = metrics
        self._commit = GroupCommit(
            lambda batches: metrics.wrote(lambda: ingest.accept_together(batches)), pause_seconds=pause_seconds
        )
        self._is_failing = False

    async def take(self, lines: Lines) -> IngestReport:
        """Have a batch written.

        Raises:
            HTTPException: 503, the store can't be written.
        """
        try:
            report = await self._commit.take(lines)
        except (OSError, sqlite3.Error) as error:
            if not self._is_failing:
                _LOGGER.warning("store-not-writable", exc_info=error)
            self._is_failing = True
            self._metrics.turned_away("store")
            raise _come_again(f"the store can't be written: {error}") from error
        if self._is_failing:
            _LOGGER.info("store-writable-again")
        self._is_failing = False
        return report


def _document(report: IngestReport) -> dict[str, object]:
    return {
        "written": report.written,
        "repeated": report.repeated,
        "refused": [{"place": refusal.place, "reason": refusal.reason} for refusal in report.refused],
        "advanced": report.advanced,
    }


def _come_again(reason: str) -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, reason, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _refuse_foreign_content(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    coding = request.headers.get("content-encoding", "identity").lower()
    if kind != CONTENT_TYPE or coding != "identity":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the body is {kind[:80] or 'of no type'}, encoded {coding[:80]}: send {CONTENT_TYPE}, not compressed",
        )


async def _punctual_body(request: Request, place: Place, *, limit_bytes: int, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await _body(request, place, limit_bytes=limit_bytes)
    except TimeoutError as error:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {seconds:g} s") from error


async def _body(request: Request, place: Place, *, limit_bytes: int) -> bytes:
    """The body, kept no further than the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise _too_large(f"{announced[:40]} bytes, {limit_bytes} are taken")
    body = bytearray()
    try:
        async for chunk in request.stream():
            place.bring(len(chunk))
            body += chunk
            if len(body) > limit_bytes:
                raise _too_large(f"more than {limit_bytes} bytes")
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the sender hung up within the body") from error
    return bytes(body)


def _vectors_in(body: bytes) -> list[bytes]:
    """One vector a line, each with its line's end: so a body that was cut is not taken for a torn vector."""
    *vectors, rest = body.split(b"\n")
    if rest or not vectors:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the body is torn: it holds one vector a line, and ends with the last line's end"
        )
    if len(vectors) > MOST_VECTORS:
        raise _too_large(f"{len(vectors)} vectors, {MOST_VECTORS} are taken")
    return vectors


def _too_large(found: str) -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the batch is too large: {found}; send smaller ones")


def serve(
    *,
    state: Path,
    port: int,
    host: str = "127.0.0.1",
    keep_days: int | None = None,
    profile: Profile | None = None,
) -> None:
    """Take vectors into a state directory's store until a signal comes; requests under way are answered first.

    On the cluster profile any number may serve at the same time, each with a state directory of its own.

    Args:
        state: the state directory; made where it is not there.
        port: to listen on; 0 takes a free one, which the log names.
        host: the address to listen on: loopback by default, since whoever reaches the endpoint may write.
        keep_days: days of history before today that are kept; all, if absent.
        profile: what a new store is of; the state directory's own, if absent.

    Raises:
        FeatureRepositoryError: the state directory, its store, or the address can't be used.
    """
    try:
        store = open_store(state, profile=profile)
    except OSError as error:
        raise FeatureRepositoryError(f"{state} can't be used as state: {error.strerror}; name a directory") from error
    _allow_many_connections()
    metrics = IngestMetrics()
    metrics.watch("damaged_files", "Files of history that could not be read, set aside.", lambda: count_damaged(store))
    housekeeping = Housekeeping(store, keep_days=keep_days, told=metrics.compacted)
    with bound(host, port) as listening, housekeeping.running(), suppress(KeyboardInterrupt):
        address, free_port = listening.getsockname()[:2]
        fields = {"address": address, "port": free_port, "state": str(state)}
        _LOGGER.info("listening", extra={"fields": fields})
        gc.freeze()  # Feast's million objects are there for good: no collection need look at them
        server_of(create_app(Ingest(store), profiles=ProfilePages(store), metrics=metrics)).run(sockets=[listening])


def _allow_many_connections() -> None:
    """As many open files as the system lets this process have: each sender's connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def server_of(app: Starlette) -> uvicorn.Server:
    """One worker; it writes no log of requests and leaves logging as it is."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens on the address; who connects before the server is up waits for it.

    Raises:
        FeatureRepositoryError: it can't be had.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=socket.SOMAXCONN
        )
    except OSError as error:
        raise FeatureRepositoryError(
            f"can't listen on {host} port {port}: {error.strerror}; name another host or port"
        ) from error
