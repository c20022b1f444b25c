"""Requests first, and not too many of them: what waits, who is turned away, and that nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from scheduler_extender.app import create_app
from scheduler_extender.errors import ArgsError
from scheduler_extender.main import build_extender
from scheduler_extender.right_of_way import RightOfWay
from scheduler_extender.settings import ExtenderSettings
from tests.unit.scheduler_extender.small_cluster import captured

pytestmark = pytest.mark.anyio
BODY = captured("filter-upf-names-16")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Asking:
    """One request to an ASGI application, whose body comes when the test lets it."""

    app: FastAPI
    pieces: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def begin(self) -> asyncio.Task[None]:
        scope = {"type": "http", "method": "POST", "path": "/filter", "headers": [], "query_string": b""}
        return asyncio.create_task(self._ask(self.app, scope))

    async def _ask(self, app: Callable[..., Awaitable[None]], scope: dict[str, Any]) -> None:
        await app(scope, self.pieces.get, self._send)

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    def let_come(self, body: bytes, *, more: bool = False) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": body, "more_body": more})

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def error(self) -> str:
        return str(msgspec.json.decode(self.sent[1]["body"])["Error"])


def application(state: Path, way: RightOfWay, *, body_seconds: float = 60.0) -> FastAPI:
    return create_app(build_extender(state, ExtenderSettings(body_seconds=body_seconds)), way=way)


async def test_whoever_comes_beyond_the_room_is_turned_away_at_once_and_the_next_one_is_not(state: Path) -> None:
    app = application(state, RightOfWay(most_requests=1))
    first, second, third = Asking(app), Asking(app), Asking(app)
    waiting = first.begin()
    await asyncio.sleep(0)
    second.let_come(BODY)
    await second.begin()
    assert (second.status, second.error) == (503, "1 requests are under way: try again, and see who asks this often")
    first.let_come(BODY)
    await waiting
    third.let_come(BODY)
    await third.begin()
    assert (first.status, third.status) == (200, 200)


async def test_bodies_have_room_for_so_many_bytes_together(state: Path) -> None:
    app = application(state, RightOfWay(most_bytes=len(BODY) + 10))
    first, second = Asking(app), Asking(app)
    waiting = first.begin()
    first.let_come(BODY[:20], more=True)
    await asyncio.sleep(0.01)
    second.let_come(BODY)
    await second.begin()
    assert (second.status, second.error[:30]) == (503, "bodies of 20 bytes are under w")
    first.let_come(BODY[20:])
    await waiting
    assert first.status == 200


async def test_a_body_that_does_not_arrive_is_given_up_and_its_place_is_free_again(state: Path) -> None:
    way = RightOfWay(most_requests=1)
    app = application(state, way, body_seconds=0.05)
    slow, next_one = Asking(app), Asking(app)
    slow.let_come(BODY[:7], more=True)
    await slow.begin()
    assert (slow.status, slow.error) == (408, "body did not arrive within 0.05 s: 7 bytes did")
    next_one.let_come(BODY)
    await next_one.begin()
    assert next_one.status == 200


async def test_work_ahead_waits_for_a_request_under_way_and_not_for_ever() -> None:
    way, done = RightOfWay(), []

    async def work() -> None:
        await way.given()
        done.append("work")

    with way.request():
        working = asyncio.create_task(work())
        await asyncio.sleep(0)
        done.append("request")
    await working
    assert done == ["request", "work"]
    with way.request():
        await asyncio.wait_for(way.given(), timeout=60.0)


@given(st.lists(st.integers(0, 50), max_size=20))
def test_what_is_over_leaves_nothing_behind(sizes: list[int]) -> None:
    way = RightOfWay(most_requests=2, most_bytes=60)
    for size in sizes:
        with way.request() as passage:
            passage.take(b"x" * size)
            assert passage.size == size
        with pytest.raises(ZeroDivisionError), way.request() as passage:
            passage.take(b"x" * (size // 0))
    with way.request() as first, way.request() as second:
        first.take(b"x" * 60)
        with pytest.raises(ArgsError, match="bodies of 60 bytes"):
            second.take(b"x")
        with pytest.raises(ArgsError, match="2 requests are under way"), way.request():
            pass
    way.make_room(60)
