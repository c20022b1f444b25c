"""Requests come first: whoever works ahead in the same thread lets them pass, and there is room for so many."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scheduler_extender.errors import ArgsError

MOST_REQUESTS = 64
"""kube-scheduler asks about one pod at a time; so many are dozens of schedulers, or none."""
MOST_BYTES = 128 * 2**20
"""Of bodies that are being received or answered; the largest single one that is taken by default has half of it."""
_LONGEST_SECONDS = 0.005
"""How long work ahead waits at the most, so that it gets on however many ask."""


class RightOfWay:
    """Counts the requests under way.

    Args:
        most_requests, most_bytes: whoever comes beyond them is turned away at once.
    """

    def __init__(self, *, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._requests = 0
        self._bytes = 0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def request(self) -> Iterator["Passage"]:
        """One request, from its head to the last byte of its answer.

        Raises:
            ArgsError: 503, there are too many.
        """
        if self._requests >= self._most_requests:
            raise _turned_away(f"{self._requests} requests are under way")
        self._requests += 1
        self._free.clear()
        passage = Passage(self)
        try:
            yield passage
        finally:
            self._bytes -= passage.size
            self._requests -= 1
            if not self._requests:
                self._free.set()

    def make_room(self, size_bytes: int) -> None:
        """Count more of a body in.

        Raises:
            ArgsError: 503, there is too much.
        """
        if self._bytes + size_bytes > self._most_bytes:
            raise _turned_away(f"bodies of {self._bytes} bytes are under way")
        self._bytes += size_bytes

    async def given(self) -> None:
        """Let whatever waits go first; returns once nobody is being answered, or after a few milliseconds."""
        await asyncio.sleep(0)
        if self._requests:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._free.wait(), _LONGEST_SECONDS)


class Passage:
    """One request under way.

    Attributes:
        size: bytes of its body so far.
    """

    def __init__(self, way: RightOfWay) -> None:
        self._way = way
        self.size = 0

    def take(self, chunk: bytes) -> None:
        """Count a piece of its body in.

        Raises:
            ArgsError: as of ``RightOfWay.make_room``.
        """
        self._way.make_room(len(chunk))
        self.size += len(chunk)


def _turned_away(why: str) -> ArgsError:
    return ArgsError(f"{why}: try again, and see who asks this often", status=503)
