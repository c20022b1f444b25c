"""Batches that arrive while one is being written are written together: one file, one sync and one push for all.

Writing two vectors takes half as long as writing a thousand, and leaves a file as well. So the endpoint writes no more
often than every ``pause_seconds``, unless a thousand wait, and whatever has come in meanwhile goes along. A sender that
comes alone after a pause is not kept waiting.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from feature_repo.errors import StoreUnreachableError
from feature_repo.report import IngestReport

Lines = Sequence[bytes]
"""A batch: one encoded vector a line."""

PAUSE_SECONDS = 0.1
ENOUGH_VECTORS = 1024
"""With so many waiting, a write is worth its file whenever the last one was."""
MOST_VECTORS = 4096
"""In a write, unless one batch alone has more: it bounds the memory that decoding takes."""

_FAILURES = 2


@dataclass(frozen=True, slots=True)
class _Waiting:
    lines: Lines
    report: asyncio.Future[IngestReport]


class GroupCommit:
    """Batches on their way to disk, first come, first written. Used on one event loop.

    Args:
        write: takes batches in their order and reports on each. Called in another thread, one call at a time.
        pause_seconds: from the beginning of a write to the beginning of the next, if that is not later anyway.
        most_vectors: in a write.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Lines]], Sequence[IngestReport]],
        *,
        pause_seconds: float = PAUSE_SECONDS,
        most_vectors: int = MOST_VECTORS,
    ) -> None:
        self._write = write
        self._pause_seconds = pause_seconds
        self._most_vectors = most_vectors
        self._waiting: deque[_Waiting] = deque()
        self._waiting_vectors = 0
        self._enough = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._next_at = 0.0

    async def take(self, lines: Lines) -> IngestReport:
        """Have a batch written.

        Raises:
            Exception: whatever ``write`` raised for this batch. One that fails does not take others with it.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(lines, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_vectors += len(lines)
        if self._waiting_vectors >= ENOUGH_VECTORS:
            self._enough.set()
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write_all())
        return await waiting.report

    async def _write_all(self) -> None:
        while self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_at - time.monotonic()):
                    await self._enough.wait()
            self._next_at = time.monotonic() + self._pause_seconds
            await self._commit(self._next_group())

    def _next_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        vectors = len(group[0].lines)
        while self._waiting and vectors + len(self._waiting[0].lines) <= self._most_vectors:
            group.append(self._waiting.popleft())
            vectors += len(group[-1].lines)
        self._waiting_vectors -= vectors
        if self._waiting_vectors < ENOUGH_VECTORS:
            self._enough.clear()
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> bool:
        """Write a group; one by one where it fails together, unless a server is away. Whether all of it was written."""
        outcome = asyncio.ensure_future(asyncio.to_thread(self._write, [waiting.lines for waiting in group]))
        await asyncio.wait([outcome])
        error = outcome.exception()
        if error is None:
            for waiting, report in zip(group, outcome.result(), strict=True):
                if not waiting.report.done():
                    waiting.report.set_result(report)
        elif len(group) > 1 and not isinstance(error, StoreUnreachableError):
            await self._commit_one_by_one(group, error)
        else:
            _fail(group, error)
        return error is None

    async def _commit_one_by_one(self, group: Sequence[_Waiting], error: BaseException) -> None:
        """After two that failed one upon the other, it is not the batches: the rest fail without being tried."""
        failed_in_turn = 0
        for place, waiting in enumerate(group):
            failed_in_turn = 0 if await self._commit([waiting]) else failed_in_turn + 1
            if failed_in_turn == _FAILURES:
                _fail(group[place + 1 :], error)
                return


def _fail(group: Sequence[_Waiting], error: BaseException) -> None:
    for waiting in group:
        if not waiting.report.done():
            waiting.report.set_exception(error)
