"""What is amiss with the agent right now: told to the log once, to metrics by count, to the NodeState's conditions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from agent import log

LOGGED_AGAIN_SECONDS = 60.0
"""A trouble that comes and goes is logged no more often: thousands of agents may fail, succeed and fail in the same
minute, at a server that is just coming back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the agent lives with until it passes.

    Attributes:
        name: stable, as in the log and in metrics: ``spool-full``.
        sentence: what is wrong, where, and what to do.
    """

    name: str
    sentence: str


class Troubles:
    """The present troubles of one agent; any thread may tell and clear them.

    A trouble is logged when it begins and when it has passed, however often it is told meanwhile. One that is back
    within ``LOGGED_AGAIN_SECONDS`` is logged if it is still told after them, and its passing only if its beginning was.

    Args:
        monotonic: seconds now.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._present: dict[str, Trouble] = {}
        self._counts: dict[str, int] = {}
        self._logged_at_seconds: dict[str, float] = {}
        self._is_logged: set[str] = set()

    def tell(self, name: str, sentence: str) -> None:
        """Something is amiss, or still is."""
        with self._lock:
            self._present[name] = Trouble(name=name, sentence=sentence)
            self._counts[name] = self._counts.get(name, 0) + 1
            is_to_be_logged = name not in self._is_logged and self._was_quiet(name)
            if is_to_be_logged:
                self._is_logged.add(name)
                self._logged_at_seconds[name] = self._monotonic()
        if is_to_be_logged:
            log.warning(name, error=sentence)

    def clear(self, name: str) -> None:
        """It is well again, or was never amiss."""
        with self._lock:
            self._present.pop(name, None)
            was_logged = name in self._is_logged
            self._is_logged.discard(name)
            count = self._counts.get(name, 0)
        if was_logged:
            log.info(f"{name}-passed", told=count)

    @property
    def present(self) -> tuple[Trouble, ...]:
        """What is amiss now, by name."""
        with self._lock:
            return tuple(self._present[name] for name in sorted(self._present))

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each trouble was told since the start."""
        with self._lock:
            return dict(self._counts)

    def _was_quiet(self, name: str) -> bool:
        logged_at_seconds = self._logged_at_seconds.get(name)
        return logged_at_seconds is None or self._monotonic() - logged_at_seconds >= LOGGED_AGAIN_SECONDS
