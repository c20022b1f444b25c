"""Keeps an extender up to date beside its requests: watches on the state directory and the API server, and work ahead
in short steps.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

from watchfiles import awatch

from scheduler_extender import log
from scheduler_extender.cluster import Cluster
from scheduler_extender.decisions import DECISIONS, DecisionWriter
from scheduler_extender.directory import NODE_STATES, PODS
from scheduler_extender.intake import News
from scheduler_extender.right_of_way import RightOfWay
from scheduler_extender.service import Extender
from serving.champion import BUNDLES
from serving.observed_workload import OBSERVED
from serving.published_profile import PROFILES

_COLLECTED_AT = (10_000, 20, 100)
"""Thresholds of Python's three generations."""
_GATHER_MS = 100
"""Changes that follow one another this closely are taken over together."""
_FOLLOWED_SECONDS = 0.01
"""The same of what the API server says: the next pod should not come where the last one went and is not seen yet."""
_SETTLED_SECONDS = 1.0
"""Between one time of working ahead and the next: a pod that comes changes its node three times within a second. A
request computes by itself what it can't do without, see ``Forecasts.bring_in_reach``."""
_TAKEN_OVER_SECONDS = 0.0003
"""How long a request waits at the most for what is being taken over, but for the last object."""


async def keep_up(
    extender: Extender, state: Path, stop: asyncio.Event, *, way: RightOfWay, cluster: Cluster | None = None
) -> None:
    """Take news over as they come, and compute ahead of requests, until ``stop`` is set.

    Files are read and champions loaded in a thread, so that requests are answered meanwhile.

    Args:
        extender: takes them over.
        state: the directory whose files are looked at.
        stop: ends it.
        way: requests have it.
        cluster: the API server's objects, where the extender follows one.
    """
    writer = DecisionWriter(state / DECISIONS)
    fresh, unsettled = asyncio.Event(), asyncio.Event()
    announcing = asyncio.create_task(_announce(state, stop, fresh, poll_seconds=extender.settings.poll_seconds))
    settling = _settle(extender, unsettled, way=way, whole=lambda: cluster is None or cluster.synced)
    beside = [announcing, asyncio.create_task(settling)]
    if cluster is not None:
        beside.append(asyncio.create_task(_follow(extender, cluster, unsettled, way=way)))
    try:
        for task in beside:
            task.add_done_callback(lambda _: fresh.set())
        while not any(task.done() for task in beside):
            await fresh.wait()
            fresh.clear()
            extender.take_over(await asyncio.to_thread(_news, extender, writer))
            unsettled.set()
            await _paused(stop, _GATHER_MS / 1000)
        for task in beside:
            if task.done():
                task.result()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        if cluster is not None:
            await asyncio.to_thread(cluster.close)
        await asyncio.to_thread(_write_the_last, extender, writer)


def _news(extender: Extender, writer: DecisionWriter) -> News:
    extender.write_decisions(writer)
    return extender.news()


def _write_the_last(extender: Extender, writer: DecisionWriter) -> None:
    extender.write_decisions(writer)
    writer.close()


async def _follow(extender: Extender, cluster: Cluster, unsettled: asyncio.Event, *, way: RightOfWay) -> None:
    """Take over what the API server says, little by little."""
    heard = asyncio.Event()
    cluster.follow(partial(_set_from_a_thread, heard, asyncio.get_running_loop()))
    while True:
        await heard.wait()
        heard.clear()
        extender.heard_from_api_server(cluster.complaint)
        while (news := cluster.news(seconds=_TAKEN_OVER_SECONDS)) is not None:
            extender.take_over(news)
            await way.given()
        unsettled.set()
        await asyncio.sleep(_FOLLOWED_SECONDS)


def _set_from_a_thread(event: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    if not event.is_set():
        loop.call_soon_threadsafe(event.set)


async def _announce(state: Path, stop: asyncio.Event, fresh: asyncio.Event, *, poll_seconds: float) -> None:
    """Set ``fresh`` whenever files may have changed, and at the end, so that nobody waits for it in vain."""
    try:
        async for _ in _occasions(state, stop, poll_seconds=poll_seconds):
            fresh.set()
    finally:
        fresh.set()


async def _settle(extender: Extender, unsettled: asyncio.Event, *, way: RightOfWay, whole: Callable[[], bool]) -> None:
    frozen = False
    while True:
        await unsettled.wait()
        unsettled.clear()
        while extender.settle():
            await way.given()
        if not frozen and whole():
            _leave_alone_what_stays()
            frozen = True
        await asyncio.sleep(_SETTLED_SECONDS)


def _leave_alone_what_stays() -> None:
    """A cluster is millions of objects without cycles: looking through them all would hold up a request for 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AT)


async def _occasions(state: Path, stop: asyncio.Event, *, poll_seconds: float) -> AsyncIterator[None]:
    """When to look: at once, at a change, and after a while without one.

    Directories that are not there can't be watched, so the watch begins anew when one has come or gone.
    """
    while not stop.is_set():
        watched = _directories(state)
        yield
        try:
            changes = awatch(
                *watched,
                watch_filter=None,
                debounce=_GATHER_MS,
                step=_GATHER_MS // 2,
                rust_timeout=int(poll_seconds * 1000),
                yield_on_timeout=True,
                stop_event=stop,
                recursive=False,
            )
            async with aclosing(changes):
                async for _ in changes:
                    if _directories(state) != watched:
                        break
                    yield
        except OSError as error:
            log.warning("watch-failed", reason=f"{error}: the state is looked through every {poll_seconds:g} s instead")
            await _paused(stop, poll_seconds)


def _directories(state: Path) -> list[Path]:
    wanted = [state, *(state / name for name in (NODE_STATES, PODS, PROFILES, OBSERVED, BUNDLES))]
    return [path for path in wanted if path.is_dir()]


async def _paused(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return
