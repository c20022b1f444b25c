"""The webhook: FastAPI's routes around an ``Extender``, on raw bodies."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request, Response
from starlette.requests import ClientDisconnect

from scheduler_extender.cluster import Cluster
from scheduler_extender.errors import ArgsError
from scheduler_extender.health import readiness_of
from scheduler_extender.openapi import openapi_page
from scheduler_extender.service import Answer, Extender
from scheduler_extender.wire import oversized
from serving.exposition import CONTENT_TYPE

JSON = "application/json"
WARNING = "Warning"
"""RFC 9111 made this header obsolete for caches; the API server uses it the same way, and ``kubectl`` shows it."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(extender: Extender, *, lifespan: Lifespan | None = None, cluster: Cluster | None = None) -> FastAPI:
    """The webhook's application.

    Args:
        extender: answers.
        lifespan: what runs beside the requests, see ``scheduler_extender.main``.
        cluster: the API server's objects, where the extender follows one.
    """
    app = FastAPI(title="Leeward scheduler extender", lifespan=lifespan, openapi_url=None)

    def post(verb: str, answer: Callable[[bytes], Answer]) -> None:
        async def answered(request: Request) -> Response:
            try:
                body = await _body(request, limit_bytes=extender.settings.body_limit_bytes)
            except ArgsError as error:
                return _response(extender.refuse(verb, error))
            return _response(answer(body))

        app.add_api_route(f"/{verb}", answered, methods=["POST"], response_class=Response)

    post("filter", extender.filter)
    post("prioritize", extender.prioritize)
    post("explain", extender.explain)

    @app.get("/explain/{namespace}/{name}", response_class=Response)
    async def explain_pod(namespace: str, name: str, node: Annotated[list[str] | None, Query()] = None) -> Response:
        return _response(extender.explain_pod(f"{namespace}/{name}", node or ()))

    @app.get("/healthz", response_class=Response)
    async def healthz() -> Response:
        return Response(msgspec.json.encode(extender.health()), media_type=JSON)

    @app.get("/readyz", response_class=Response)
    async def readyz() -> Response:
        readiness = readiness_of(extender.health(), cluster)
        return Response(msgspec.json.encode(readiness), status_code=200 if readiness.ready else 503, media_type=JSON)

    page = openapi_page()

    @app.get("/openapi.json", response_class=Response)
    async def openapi() -> Response:
        return Response(page, media_type=JSON)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(extender.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return app


def _response(answer: Answer) -> Response:
    headers = {WARNING: f'299 leeward "{answer.warning}"'} if answer.warning else None
    return Response(answer.content, status_code=answer.status, media_type=JSON, headers=headers)


async def _body(request: Request, *, limit_bytes: int) -> bytes:
    """The body, read no further than the limit.

    Raises:
        ArgsError: it is larger, or was cut off.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise oversized(int(announced), limit_bytes=limit_bytes)
    chunks: list[bytes] = []
    size = 0
    stream: AsyncIterator[bytes] = request.stream()
    try:
        async for chunk in stream:
            size += len(chunk)
            if size > limit_bytes:
                raise oversized(size, limit_bytes=limit_bytes)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise ArgsError(f"body was cut off after {size} bytes: the scheduler went away") from error
    return b"".join(chunks)
