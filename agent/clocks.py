"""The clocks of a machine, and where each window lies on them.

``CLOCK_REALTIME`` tells UTC and steps when somebody sets it. ``CLOCK_MONOTONIC`` never steps and stands still while the
machine sleeps; ``CLOCK_BOOTTIME`` is the same clock, going on meanwhile (clock_gettime(2)). On Linux all three run at
the one rate that NTP disciplines, so slewing never shows in a difference of two.
"""

import time
from dataclasses import dataclass, replace

from agent.sources.protocol import Reading
from agent.troubles import Troubles

CLOCK_STEPPED = "clock-stepped"
WINDOW_SUSPENDED = "window-suspended"
WINDOW_MISSED = "window-missed"
TROUBLES = (CLOCK_STEPPED, WINDOW_SUSPENDED, WINDOW_MISSED)
"""What can be amiss with the time of a window."""

STEP_NS = 100_000_000
"""The least change between two clocks that counts: below the 0.128 s from which ntpd steps rather than slews (ntpd(8)),
far above the microsecond that passes between asking one and the other."""

LONGEST_WINDOW = 3.0
"""How many times its due length a window may last. What it counted is right however long it was, but a mean over a
minute says little of the present, and no model has seen such windows."""

USUAL_WINDOW_SECONDS = 10.0
"""What a window lasts by default, and so may last in any case."""


def asleep_ns() -> int:
    """How long this machine has slept since it was started, in nanoseconds."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Complaint:
    name: str
    sentence: str


class WindowTimes:
    """Puts window after window into UTC, and discards those that say nothing of their time.

    As long as the wall clock does not step, each window begins in the very nanosecond in which the one before ended.
    When it steps, that window begins its monotonic length before its end, which the clock then told: no window lies
    about its length. After a step back by an hour, windows cover an hour that others cover already. They are kept all
    the same: it is the older ones that bear a wrong time, and holding back the right ones would blind every reader for
    that hour. Their keys (node, domain, start in nanoseconds) are distinct.

    Discarded whole are a window in which the machine slept, since firmware may have reset counters, and one that lasted
    much longer than it should, because the agent was not let run. The next one begins where the discarded one ended, so
    nothing is counted twice, and each discarded one is told.

    A trouble passes with the second good window after it, so that the state made of the first one still says it.

    Args:
        window_seconds: a window's due length, above zero.
        troubles: where steps and discarded windows are told.
    """

    def __init__(self, *, window_seconds: float, troubles: Troubles) -> None:
        self._longest_ns = int(max(LONGEST_WINDOW * window_seconds, USUAL_WINDOW_SECONDS) * 1e9)
        self._troubles = troubles
        self._utc_offset_ns: int | None = None
        self._told: set[str] = set()

    def place(self, first: Reading, last: Reading) -> Reading | None:
        """Place one window.

        Args:
            first, last: its two ends, ``first`` being the ``last`` of the call before.

        Returns:
            ``last`` with the wall time at which the window ends, at most ``STEP_NS`` from what its clock told; ``None``
            where the window is discarded.
        """
        unfit = self._unfit(first, last)
        for complaint in (unfit, _step(first, last)):
            if complaint is not None:
                self._troubles.tell(complaint.name, complaint.sentence)
                self._told.add(complaint.name)
        offset_ns = self._offset_ns(first, last)
        if unfit is not None:
            return None
        for name in TROUBLES:
            if name not in self._told:
                self._troubles.clear(name)
        self._told.clear()
        return replace(last, wall_ns=last.monotonic_ns + offset_ns)

    def _unfit(self, first: Reading, last: Reading) -> _Complaint | None:
        slept_ns = last.asleep_ns - first.asleep_ns
        if slept_ns > STEP_NS:
            return _Complaint(
                name=WINDOW_SUSPENDED,
                sentence=f"the machine slept for {_seconds(slept_ns)} s; the window is left out, since counters may "
                "have been reset: keep nodes of a cluster from suspending",
            )
        elapsed_ns = last.monotonic_ns - first.monotonic_ns
        if elapsed_ns > self._longest_ns:
            return _Complaint(
                name=WINDOW_MISSED,
                sentence=f"no sample was taken in time for {_seconds(elapsed_ns)} s; the window is left out as too "
                "long: see what stopped the agent, or request more CPU for it",
            )
        return None

    def _offset_ns(self, first: Reading, last: Reading) -> int:
        """UTC less monotonic time; kept until the clocks have moved away from it, at once or little by little."""
        told_ns = last.wall_ns - last.monotonic_ns
        kept_ns = first.wall_ns - first.monotonic_ns if self._utc_offset_ns is None else self._utc_offset_ns
        self._utc_offset_ns = kept_ns if abs(told_ns - kept_ns) <= STEP_NS else told_ns
        return self._utc_offset_ns


def _step(first: Reading, last: Reading) -> _Complaint | None:
    passed_ns = last.monotonic_ns - first.monotonic_ns + last.asleep_ns - first.asleep_ns
    stepped_ns = last.wall_ns - first.wall_ns - passed_ns
    if abs(stepped_ns) <= STEP_NS:
        return None
    direction = "forward" if stepped_ns > 0 else "back"
    return _Complaint(
        name=CLOCK_STEPPED,
        sentence=f"the wall clock was set {direction} by {_seconds(abs(stepped_ns))} s: windows before and after do "
        "not join; let NTP or PTP keep this node's clock",
    )


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds * 1e-9:.1f}"
