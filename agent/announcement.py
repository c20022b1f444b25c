"""Which NodeState goes out next, and when: the newest that is due, after a failure not before its wait is over.

It waits for nothing itself: time is handed in, so that thousands of nodes can be simulated with what a node runs.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from agent.backoff import Backoff
from agent.pacing import Due, Pacing, Reason
from contracts.nodestate import NodeState, Status

FIRST_WAIT_SECONDS = 1.0
FIRST_LASTING_WAIT_SECONDS = 8.0
"""After a refusal that lasts. Not the longest wait at once: an API server that starts anew says 403 for a second or
two, until it knows the roles (seen with Kubernetes 1.36)."""
LONGEST_WAIT_SECONDS = 120.0
"""The bounds of the drawn waits. While the API server is away, nodes ask for it every minute on average; two minutes
after its return all have written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A state on its way, and why it is written."""

    state: NodeState
    reason: Reason


class Announcements:
    """The states of one node: a newer one takes an unsent one's place, and a row of failures makes one debt, not many.

    What was due and failed stays due, even where the node has become again what was last written. Every
    ``now_seconds`` is of one clock that never steps.

    Args:
        pacing: what is due.
        share: draws from 0 (inclusive) to 1.
    """

    def __init__(self, pacing: Pacing, *, share: Callable[[], float] = random.random) -> None:
        self._pacing = pacing
        self._passing = Backoff(first_seconds=FIRST_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS, share=share)
        self._lasting = Backoff(
            first_seconds=FIRST_LASTING_WAIT_SECONDS, longest_seconds=LONGEST_WAIT_SECONDS, share=share
        )
        self._next: Announcement | None = None
        self._at_seconds = math.inf
        self._owed: Reason | None = None
        self._wait_ends_at_seconds = -math.inf

    def offer(self, state: NodeState, *, now_seconds: float) -> None:
        """Take a window's state, which has a status; once a window."""
        due = self._pacing.due(status_of(state), now_seconds=now_seconds)
        if self._owed is not None and due.at_seconds > now_seconds:
            due = Due(reason=self._owed, at_seconds=now_seconds)
        self._next = Announcement(state=state, reason=due.reason)
        self._at_seconds = due.at_seconds

    @property
    def at_seconds(self) -> float | None:
        """When the next one is to be sent; ``None`` while there is none."""
        return None if self._next is None else max(self._at_seconds, self._wait_ends_at_seconds)

    def take(self) -> Announcement:
        """The next one, to be sent now; ``written`` or ``failed`` follows before another is taken."""
        assert self._next is not None
        taken, self._next = self._next, None
        return taken

    def written(self, sent: Announcement, *, now_seconds: float) -> None:
        """It was written. What was offered meanwhile is compared with it."""
        self._pacing.written(status_of(sent.state), now_seconds=now_seconds)
        self._passing.succeeded()
        self._lasting.succeeded()
        self._owed = None
        self._wait_ends_at_seconds = -math.inf
        if self._next is not None:
            self.offer(self._next.state, now_seconds=now_seconds)

    def failed(
        self, sent: Announcement, *, now_seconds: float, is_lasting: bool = False, asked_seconds: float | None = None
    ) -> None:
        """It could not be written, and is owed.

        Args:
            sent: goes out again unless a newer one was offered.
            now_seconds: when it failed.
            is_lasting: it will fail again until somebody does something, so it is tried seldom.
            asked_seconds: how long the server wants to be left alone.
        """
        backoff = self._lasting if is_lasting else self._passing
        self._wait_ends_at_seconds = now_seconds + backoff.failed(asked_seconds=asked_seconds)
        self._owed = sent.reason
        unsent = sent if self._next is None else self._next
        self._next = Announcement(state=unsent.state, reason=sent.reason)
        self._at_seconds = now_seconds


def status_of(state: NodeState) -> Status:
    """The status of a state that was measured, which has one."""
    assert state.status is not None
    return state.status
