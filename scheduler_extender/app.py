"""The webhook: FastAPI's routes around an ``Extender``, on raw bodies."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Response
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scheduler_extender.cluster import Cluster
from scheduler_extender.errors import ArgsError
from scheduler_extender.health import readiness_of
from scheduler_extender.openapi import openapi_page
from scheduler_extender.right_of_way import Passage, RightOfWay
from scheduler_extender.service import Answer, Extender
from scheduler_extender.wire import oversized
from serving.exposition import CONTENT_TYPE

JSON = "application/json"
WARNING = "Warning"
"""RFC 9111 made this header obsolete for caches; the API server uses it the same way, and ``kubectl`` shows it."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    extender: Extender,
    *,
    way: RightOfWay | None = None,
    lifespan: Lifespan | None = None,
    cluster: Cluster | None = None,
) -> FastAPI:
    """The webhook's application.

    Args:
        extender: answers.
        way: which requests have before what runs beside them; one of its own where absent.
        lifespan: what runs beside the requests, see ``scheduler_extender.main``.
        cluster: the API server's objects, where the extender follows one.
    """
    app = FastAPI(title="Leeward scheduler extender", lifespan=lifespan, openapi_url=None)
    given = way or RightOfWay()
    for verb, answer in (
        ("filter", extender.filter),
        ("prioritize", extender.prioritize),
        ("explain", extender.explain),
        ("bind", lambda body, _: extender.bind(body)),
    ):
        asked = _Asked(verb, answer, extender=extender, way=given)
        app.router.routes.append(Route(f"/{verb}", endpoint=asked, methods=["POST"]))

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


class _Asked:
    """What kube-scheduler asks, as ASGI hands it over: FastAPI's own way is longer than a small answer."""

    def __init__(
        self, verb: str, answer: Callable[[bytes, float], Answer], *, extender: Extender, way: RightOfWay
    ) -> None:
        self._verb = verb
        self._answer = answer
        self._extender = extender
        self._way = way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived = time.perf_counter()
        try:
            with self._way.request() as passage:
                body = await self._body(Headers(scope=scope), receive, passage)
                await _response(self._answer(body, arrived))(scope, receive, send)
        except ArgsError as error:
            await _response(self._extender.refuse(self._verb, error))(scope, receive, send)

    async def _body(self, headers: Headers, receive: Receive, passage: Passage) -> bytes:
        """The body, read no further than the limit.

        Raises:
            ArgsError: it is larger, was cut off, does not arrive, or there is no room for it.
        """
        seconds, limit_bytes = self._extender.settings.body_seconds, self._extender.settings.body_limit_bytes
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit_bytes:
            raise oversized(int(announced), limit_bytes=limit_bytes)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ArgsError(f"body was cut off after {passage.size} bytes: the scheduler went away")
                    chunks.append(message.get("body", b""))
                    passage.take(chunks[-1])
                    if passage.size > limit_bytes:
                        raise oversized(passage.size, limit_bytes=limit_bytes)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError as error:
            raise ArgsError(
                f"body did not arrive within {seconds:g} s: {passage.size} bytes did", status=408
            ) from error


def _response(answer: Answer) -> Response:
    headers = {WARNING: f'299 leeward "{answer.warning}"'} if answer.warning else None
    return Response(answer.content, status_code=answer.status, media_type=JSON, headers=headers)
