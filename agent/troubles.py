"""What is amiss with the agent right now: told to the log once, to metrics by count, to the NodeState's conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from agent import log


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

    A trouble that keeps happening is logged when it begins and when it has passed, however often it is told.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._present: dict[str, Trouble] = {}
        self._counts: dict[str, int] = {}

    def tell(self, name: str, sentence: str) -> None:
        """Something is amiss, or still is."""
        with self._lock:
            is_new = name not in self._present
            self._present[name] = Trouble(name=name, sentence=sentence)
            self._counts[name] = self._counts.get(name, 0) + 1
        if is_new:
            log.warning(name, error=sentence)

    def clear(self, name: str) -> None:
        """It is well again, or was never amiss."""
        with self._lock:
            passed = self._present.pop(name, None)
            count = self._counts.get(name, 0)
        if passed is not None:
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
