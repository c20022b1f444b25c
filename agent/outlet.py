"""From a window's NodeState to its readers, on a thread of its own: the loop that samples never waits for a server."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread

from agent import log
from agent.announcement import Announcement, Announcements, status_of
from agent.errors import AgentError, PublishError, RefusedError
from agent.judged import JudgedWindow
from agent.pacing import Pacing, Reason
from agent.publish import NodeStatePublisher, Published
from agent.troubles import Troubles
from contracts.nodestate import Spec

PUBLISH_FAILED = "publish-failed"
"""The trouble while a write fails. In a NodeState it would be wrong by the time it is read."""

CLOSING_SECONDS = 1.0
"""How long a write under way is waited for at the end."""

CLOCK_SKEW_SECONDS = 30.0
"""Readers do not believe a state from further in the future (``clock_skew_seconds`` of the extender)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishFigures:
    """What became of NodeStates since the start.

    Attributes:
        written: how many, by reason.
        failures: writes that failed.
        last_written_at_seconds: ``time.monotonic()`` of the last success; ``None`` before the first.
    """

    written: Mapping[Reason, int]
    failures: int
    last_written_at_seconds: float | None


class Outlet:
    """Writes what is due, the newest only, and tries again with growing waits while it can't be written.

    Troubles: ``publish-failed`` while a write fails, ``spec-refused`` while the administrator's ``spec`` can't be
    followed, ``clock-skew`` while this machine's clock is not the API server's.

    Args:
        publisher: where NodeStates go; whoever made it closes it afterwards.
        pacing: what is due.
        troubles: where it is told what is amiss.
        share: draws from 0 (inclusive) to 1, for waits after failures.
    """

    def __init__(
        self,
        publisher: NodeStatePublisher,
        *,
        pacing: Pacing,
        troubles: Troubles,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._publisher = publisher
        self._troubles = troubles
        self._announcements = Announcements(pacing, share=share)
        self._changed = Condition()
        self._closing = False
        self._spec: Spec | None = None
        self._written: Counter[Reason] = Counter()
        self._failures = 0
        self._last_written_at_seconds: float | None = None
        self._thread = Thread(target=self._work, name="publish", daemon=True)

    def offer(self, window: JudgedWindow) -> None:
        """Hand a window's state over, and wait for nothing. The first one starts the thread.

        Raises:
            AgentError: nobody takes it: the outlet was closed, or its thread has ended by a defect.
        """
        if self._thread.ident is None and not self._closing:
            self._thread.start()
        if not self._thread.is_alive():
            raise AgentError("NodeStates are no longer published: the thread that wrote them has ended; start anew")
        with self._changed:
            self._announcements.offer(window.state, now_seconds=time.monotonic())
            self._changed.notify()

    @property
    def spec(self) -> Spec | None:
        """What the administrator has set, as of the last write that could tell; ``None`` where nothing is."""
        with self._changed:
            return self._spec

    @property
    def figures(self) -> PublishFigures:
        """A snapshot."""
        with self._changed:
            return PublishFigures(
                written=dict(self._written),
                failures=self._failures,
                last_written_at_seconds=self._last_written_at_seconds,
            )

    def close(self, timeout_seconds: float = CLOSING_SECONDS) -> None:
        """Write nothing more. A write under way is waited for, one that hangs is left behind with its thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _work(self) -> None:
        while (announcement := self._next()) is not None:
            self._send(announcement)

    def _next(self) -> Announcement | None:
        with self._changed:
            while not self._closing:
                at_seconds = self._announcements.at_seconds
                wait_seconds = None if at_seconds is None else at_seconds - time.monotonic()
                if wait_seconds is not None and wait_seconds <= 0.0:
                    return self._announcements.take()
                self._changed.wait(wait_seconds)
        return None

    def _send(self, announcement: Announcement) -> None:
        try:
            published = self._publisher.publish(announcement.state)
        except RefusedError as error:
            self._failed(announcement, error, is_lasting=error.is_lasting, asked_seconds=error.asked_seconds)
        except PublishError as error:
            self._failed(announcement, error)
        else:
            self._succeeded(announcement, published or Published())

    def _failed(
        self,
        announcement: Announcement,
        error: PublishError,
        *,
        is_lasting: bool = False,
        asked_seconds: float | None = None,
    ) -> None:
        with self._changed:
            self._failures += 1
            self._announcements.failed(
                announcement, now_seconds=time.monotonic(), is_lasting=is_lasting, asked_seconds=asked_seconds
            )
        self._troubles.tell(PUBLISH_FAILED, str(error))

    def _succeeded(self, announcement: Announcement, published: Published) -> None:
        now_seconds = time.monotonic()
        with self._changed:
            self._announcements.written(announcement, now_seconds=now_seconds)
            self._written[announcement.reason] += 1
            self._last_written_at_seconds = now_seconds
            if not published.spec_refusal:
                self._spec = published.spec
        self._troubles.clear(PUBLISH_FAILED)
        log.info("published", reason=announcement.reason, regimes=status_of(announcement.state).regimes)
        self._tell("spec-refused", published.spec_refusal)
        self._tell("clock-skew", _skew_told(published.clock_ahead_seconds))

    def _tell(self, name: str, sentence: str) -> None:
        if sentence:
            self._troubles.tell(name, sentence)
        else:
            self._troubles.clear(name)


def _skew_told(ahead_seconds: float | None) -> str:
    if ahead_seconds is None or abs(ahead_seconds) <= CLOCK_SKEW_SECONDS:
        return ""
    side = "ahead of" if ahead_seconds > 0.0 else "behind"
    return (
        f"this node's clock is {abs(ahead_seconds):.0f} s {side} the API server's, so its NodeStates are not believed: "
        "synchronise it (NTP)"
    )
