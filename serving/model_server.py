"""The model server: nodes ask it who is champion, and fetch bundles by digest; see ``docs/model-server-api.md``."""

import asyncio
import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from contracts.model import Document
from serving.errors import BundleError, ModelServerError
from serving.json_lines import write_to_standard_error
from serving.model_shelf import ModelShelf
from serving.model_wire import ARCHIVE_TYPE, BUNDLES_PATH, CHAMPION_PATH, entity_tag, is_known
from serving.registry_watch import follow_registry

TRACKING_URI = "MLFLOW_TRACKING_URI"
"""MLflow's own variable; where it is set, the champion is the one that the registry's alias names."""

REGISTRY_SECONDS = 30.0
RETRY_AFTER_SECONDS = 30
"""What a node is told where the state directory is not in order: somebody has to promote a model again."""

_JSON = "application/json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FOREVER = "public, max-age=31536000, immutable"
_LAST_REQUESTS_SECONDS = 10
_LOGGER = logging.getLogger("leeward.models")

IfNoneMatch = Annotated[str, Header()]


class Health(Document):
    """What ``/healthz`` says; the server is healthy whenever it answers.

    Attributes:
        champion: digest of the bundle that nodes are told of; empty where there is none.
        champion_refused: why the state directory's champion can't be used, empty where it can.
        registry_complaint: why the registry could not be followed when last asked, empty where it could.
        status: for those who look for it.
    """

    champion: str
    champion_refused: str
    registry_complaint: str
    status: Literal["ok"] = "ok"


class RegistryWord:
    """What the registry last said; said to the log when it changes."""

    def __init__(self) -> None:
        self.complaint = ""

    def heard(self, complaint: str | None) -> None:
        """It answered, or this is why it did not."""
        found = complaint or ""
        if found and not self.complaint:
            _LOGGER.warning("registry-not-followed", extra={"fields": {"error": found}})
        if self.complaint and not found:
            _LOGGER.info("registry-followed-again")
        self.complaint = found


def create_app(state: Path, *, tracking_uri: str = "", registry_seconds: float = REGISTRY_SECONDS) -> FastAPI:
    """The server's application.

    Args:
        state: the state directory whose champion and bundles are served.
        tracking_uri: of MLflow, whose champion is installed there; empty where there is no registry.
        registry_seconds: between two looks at it, above zero.
    """
    shelf, registry = ModelShelf(state), RegistryWord()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        beside = []
        if tracking_uri:
            watch = follow_registry(
                state, stop, tracking_uri=tracking_uri, period_seconds=registry_seconds, heard=registry.heard
            )
            beside.append(asyncio.create_task(watch))
            beside[0].add_done_callback(_say_why_it_ended)
        yield
        stop.set()
        await asyncio.gather(*beside, return_exceptions=True)

    app = FastAPI(title="Leeward model server", lifespan=lifespan, openapi_url=None)
    app.add_exception_handler(BundleError, _not_in_order)

    @app.get(CHAMPION_PATH, response_class=Response)
    def champion(if_none_match: IfNoneMatch = "") -> Response:
        found = shelf.champion()
        if found is None:
            return _error(404, "nobody was promoted yet: train a model and promote it")
        headers = {"ETag": entity_tag(found.digest), "Cache-Control": "no-cache"}
        if is_known(headers["ETag"], if_none_match):
            return Response(status_code=304, headers=headers)
        return Response(found.to_json(), media_type=_JSON, headers=headers)

    @app.get(BUNDLES_PATH + "/{digest}", response_class=Response)
    def bundle(digest: str, if_none_match: IfNoneMatch = "") -> Response:
        archive = shelf.archive(digest) if _DIGEST.fullmatch(digest) else None
        if archive is None:
            return _error(404, "there is no such bundle; ask by the digest that the champion names")
        headers = {"ETag": entity_tag(digest), "Cache-Control": _FOREVER}
        if is_known(headers["ETag"], if_none_match):
            return Response(status_code=304, headers=headers)
        return Response(archive, media_type=ARCHIVE_TYPE, headers=headers)

    @app.get("/healthz", response_class=Response)
    def healthz() -> Response:
        return Response(_health(shelf, registry).to_json(), media_type=_JSON)

    return app


def serve(*, state: Path, port: int, host: str = "0.0.0.0") -> None:  # noqa: S104 - the agents are on other nodes
    """Hand out models until a signal comes; requests under way are answered first.

    Args:
        state: the state directory; made where it is not there.
        port: to listen on; 0 takes a free one, which the log names.
        host: the address to listen on: all by default, since a Service leads here.

    Raises:
        ModelServerError: the state directory or the port can't be used.
    """
    write_to_standard_error(_LOGGER, level=logging.INFO)
    write_to_standard_error(logging.getLogger("uvicorn"), level=logging.WARNING)
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelServerError(f"{state} can't be used as state: {error.strerror}; name a directory") from error
    listening = bound(host, port)
    address, free_port = listening.getsockname()[:2]
    _LOGGER.info("listening", extra={"fields": {"address": address, "port": free_port, "state": str(state)}})
    server = server_of(create_app(state, tracking_uri=os.environ.get(TRACKING_URI, "")))
    with listening, suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def server_of(app: FastAPI) -> uvicorn.Server:
    """One worker."""
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
    """A socket that listens on the address; whoever connects before the server is up waits for it.

    Raises:
        ModelServerError: it can't be had.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ModelServerError(
            f"can't listen on {host} port {port}: {error.strerror}; name another --host or --port"
        ) from error


def _health(shelf: ModelShelf, registry: RegistryWord) -> Health:
    digest, refused = "", ""
    try:
        champion = shelf.champion()
        digest = champion.digest if champion else ""
    except BundleError as error:
        refused = str(error)
    return Health(champion=digest, champion_refused=refused, registry_complaint=registry.complaint)


def _not_in_order(_: Request, error: Exception) -> Response:
    return _error(503, str(error), headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _error(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def _say_why_it_ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        reason = "the registry is no longer followed: restart the model server"
        _LOGGER.error("registry-watch-ended", exc_info=error, extra={"fields": {"reason": reason}})
