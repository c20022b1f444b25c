"""Keeps an extender up to date beside its requests: a watch on the state directory, and work ahead in short steps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from scheduler_extender import log
from scheduler_extender.directory import NODE_STATES, PODS, PROFILES
from scheduler_extender.service import Extender
from serving.champion import BUNDLES
from serving.observed_workload import OBSERVED

_GATHER_MS = 100
"""Changes that follow one another this closely are taken over together."""


async def keep_up(extender: Extender, state: Path, stop: asyncio.Event) -> None:
    """Take news over as they come, and compute ahead of requests, until ``stop`` is set.

    Files are read and champions loaded in a thread, so that requests are answered meanwhile.
    """
    unsettled = asyncio.Event()
    settling = asyncio.create_task(_settle(extender, unsettled))
    try:
        async for _ in _occasions(state, stop, poll_seconds=extender.settings.poll_seconds):
            extender.take_over(await asyncio.to_thread(extender.news))
            unsettled.set()
    finally:
        settling.cancel()
        await asyncio.wait([settling])


async def _settle(extender: Extender, unsettled: asyncio.Event) -> None:
    while True:
        await unsettled.wait()
        unsettled.clear()
        while extender.settle():
            await asyncio.sleep(0)


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
