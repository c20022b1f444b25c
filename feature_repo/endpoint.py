"""The ingest endpoint: batches of vectors over HTTP, from node agents into ``Ingest``; see ``docs/ingest-api.md``."""

import asyncio
import logging
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect

from feature_repo.errors import FeatureRepositoryError
from feature_repo.ingest import Ingest, IngestReport
from feature_repo.store import open_store

PATH = "/v1/vectors"
CONTENT_TYPE = "application/x-ndjson"

LONGEST_BODY_BYTES = 4 << 20
MOST_VECTORS = 4096
"""In a batch; agents halve what is refused as too large."""
MOST_BATCHES = 8
"""Received or written at a time: it bounds the memory, and how long the last of them waits. Who comes then is asked to
come again, with a spool to wait in."""
BODY_SECONDS = 10.0
"""For a body to arrive, so that a stalled sender does not keep another's place."""
RETRY_AFTER_SECONDS = 2
"""Agents add a random time of their own."""

_LAST_REQUESTS_SECONDS = 10
_LOGGER = logging.getLogger("leeward.ingest")


def create_app(
    ingest: Ingest,
    *,
    longest_body_bytes: int = LONGEST_BODY_BYTES,
    most_batches: int = MOST_BATCHES,
    body_seconds: float = BODY_SECONDS,
) -> FastAPI:
    """The endpoint's application.

    Args:
        ingest: takes the batches.
        longest_body_bytes: a longer body is refused and not kept.
        most_batches: received or written at a time.
        body_seconds: for a body to arrive.
    """
    app = FastAPI(title="Leeward ingest", openapi_url=None)
    intake = _Intake(ingest)
    places = asyncio.Semaphore(most_batches)

    @app.exception_handler(AnyHTTPException)
    async def refused(_: Request, error: AnyHTTPException) -> Response:
        return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=error.headers)

    @app.post(PATH)
    async def vectors(request: Request) -> Response:
        if places.locked():
            raise _come_again(f"{most_batches} batches are being written already")
        async with places:
            _refuse_foreign_content(request)
            try:
                async with asyncio.timeout(body_seconds):
                    body = await _body(request, limit_bytes=longest_body_bytes)
            except TimeoutError as error:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {body_seconds:g} s"
                ) from error
            return JSONResponse(asdict(await intake.take(_vectors_in(body))))

    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    return app


class _Intake:
    """Writes batches off the event loop; says once when the store can't be written, and once when it can again."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._is_failing = False

    async def take(self, encoded: Sequence[bytes]) -> IngestReport:
        """Write a batch.

        Raises:
            HTTPException: 503, the store can't be written.
        """
        try:
            report = await run_in_threadpool(self._ingest.accept_encoded, encoded)
        except (OSError, sqlite3.Error) as error:
            if not self._is_failing:
                _LOGGER.warning("store-not-writable", exc_info=error)
            self._is_failing = True
            raise _come_again(f"the store can't be written: {error}") from error
        if self._is_failing:
            _LOGGER.info("store-writable-again")
        self._is_failing = False
        return report


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


async def _body(request: Request, *, limit_bytes: int) -> bytes:
    """The body, kept no further than the limit."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise _too_large(f"{announced[:40]} bytes, {limit_bytes} are taken")
    body = bytearray()
    try:
        async for chunk in request.stream():
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


def serve(*, state: Path, port: int, host: str = "127.0.0.1") -> None:
    """Take vectors into a state directory's store until a signal comes; requests under way are answered first.

    Args:
        state: the state directory; made where it is not there.
        port: to listen on; 0 takes a free one, which the log names.
        host: the address to listen on: loopback by default, since whoever reaches the endpoint may write.

    Raises:
        FeatureRepositoryError: the state directory, its store, or the address can't be used.
    """
    try:
        store = open_store(state)
    except OSError as error:
        raise FeatureRepositoryError(f"{state} can't be used as state: {error.strerror}; name a directory") from error
    with bound(host, port) as listening, suppress(KeyboardInterrupt):
        address, free_port = listening.getsockname()[:2]
        fields = {"address": address, "port": free_port, "state": str(state)}
        _LOGGER.info("listening", extra={"fields": fields})
        server_of(create_app(Ingest(store))).run(sockets=[listening])


def server_of(app: FastAPI) -> uvicorn.Server:
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
