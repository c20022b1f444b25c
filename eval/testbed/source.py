"""The simulated node as one more counter source."""

from agent.sources.protocol import Opened, Reading
from contracts.events import EVENTS
from eval.testbed.board import CounterBoard
from eval.testbed.offer import EventOffer

GAUGES = frozenset(name for name, event in EVENTS.items() if event.gauge)
"""What has no past; all else is cumulative."""


class SimulatedSource:
    """All simulated PMUs and resctrl of one node behind the agent's own protocol."""

    name = "simulated"

    def __init__(self, *, board: CounterBoard, offer: EventOffer) -> None:
        self._board = board
        self._offer = offer
        self._opened: frozenset[str] = frozenset()

    def open(self, events: frozenset[str]) -> Opened:
        """Open what the node offers; the rest is missing, with the reason that the agent would give."""
        self._opened = events & self._offer.events
        return Opened(
            events=self._opened, missing=tuple(entry for entry in self._offer.missing if entry.event in events)
        )

    def read(self, *, ends_window: bool = True) -> Reading:
        """All opened counters as they stand at the node's own time; occupancy alone where no window ends."""
        return self._board.reading(self._opened if ends_window else self._opened & GAUGES)

    def close(self) -> None:
        """Forget what was open."""
        self._opened = frozenset()
