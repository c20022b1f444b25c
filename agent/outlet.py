"""From a window's NodeState to its readers: paced, and tried again while they can't be reached."""

import time

from agent import log
from agent.errors import PublishError
from agent.judged import JudgedWindow
from agent.pacing import Pacing
from agent.publish import NodeStatePublisher


class Outlet:
    """Writes what is due. A write that fails is logged, once for a row of failures, and due again with the next window.

    Args:
        publisher: where NodeStates go.
        pacing: what is due.
    """

    def __init__(self, publisher: NodeStatePublisher, *, pacing: Pacing) -> None:
        self._publisher = publisher
        self._pacing = pacing
        self._failures = 0

    def offer(self, window: JudgedWindow) -> None:
        """Write the window's state if it is due."""
        reason = self._pacing.reason(window.status, now_seconds=time.monotonic())
        if reason is None:
            return
        try:
            self._publisher.publish(window.state)
        except PublishError as error:
            self._failures += 1
            if self._failures == 1:
                log.warning("publish-failed", reason=reason, error=error)
            return
        self._pacing.published(window.status, now_seconds=time.monotonic())
        log.info("published", reason=reason, regimes=window.status.regimes, failures_before=self._failures)
        self._failures = 0
