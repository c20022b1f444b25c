"""How long to wait after a failure: longer each time, at random, and never less than the server asked for."""

import random
from collections.abc import Callable

LONGEST_ASKED_SECONDS = 3600.0
"""A server that asks for more is asked again after this long all the same."""


class Backoff:
    """Waits between tries of one thing.

    A wait is drawn evenly between nothing and a bound that doubles with each failure ("full jitter", M. Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that agents which failed together do not come
    back together. Where the server named a time, the wait is that time and the drawn one on top.

    Args:
        first_seconds: the bound after the first failure, above zero.
        longest_seconds: what the bound never exceeds.
        share: draws from 0 (inclusive) to 1.
    """

    def __init__(
        self, *, first_seconds: float, longest_seconds: float, share: Callable[[], float] = random.random
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._share = share
        self._bound_seconds = first_seconds

    def failed(self, *, asked_seconds: float | None = None) -> float:
        """Take note of a failure; how many seconds to wait before the next try.

        Args:
            asked_seconds: what the server asked for (``Retry-After``), if it did.
        """
        drawn = self._share() * self._bound_seconds
        self._bound_seconds = min(2 * self._bound_seconds, self._longest_seconds)
        return drawn + min(max(asked_seconds or 0.0, 0.0), LONGEST_ASKED_SECONDS)

    def succeeded(self) -> None:
        """Begin anew with the next failure."""
        self._bound_seconds = self._first_seconds
