"""What is said of what happens: a line in the log for what happens, a counter for what keeps happening."""

from collections.abc import Iterable

from scheduler_extender import log
from scheduler_extender.metrics import Metrics

_REMEMBERED = 1000
_NODES_REMEMBERED = 20_000


class Journal:
    """Logs each thing once, and counts."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self._said: set[tuple[str, str]] = set()
        self._nodes: set[str] = set()

    def once(self, event: str, reason: str, *, error: Exception | None = None) -> None:
        """Log an event, unless it was logged with the same reason before.

        Args:
            event: its name.
            reason: one sentence.
            error: whose traceback is logged as well.
        """
        if (event, reason) in self._said:
            return
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said.add((event, reason))
        log.warning(event, error=error, reason=reason)

    def once_a_node(self, event: str, reason: str, nodes: Iterable[str]) -> None:
        """Log an event, unless one was logged of each of these nodes before."""
        unsaid = set(nodes) - self._nodes
        if not unsaid:
            return
        if len(self._nodes) >= _NODES_REMEMBERED:
            self._nodes.clear()
        self._nodes |= unsaid
        log.warning(event, reason=reason)
