"""Time that passes when somebody waits, or when a test says so."""

from collections.abc import Callable


class SimulatedTime:
    """Stands in for ``threading.Event`` where a loop waits for it: waiting takes no time, and it is set when told.

    Args:
        stop_after: seconds after which waiting is told to stop.
        oversleeps: how much longer each wait takes than was asked, in seconds.
    """

    def __init__(self, *, stop_after: float = 1e9, oversleeps: Callable[[], float] = lambda: 0.0) -> None:
        self.now = 1000.0
        self._end = self.now + stop_after
        self._oversleeps = oversleeps

    def monotonic(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, timeout: float) -> bool:
        assert timeout >= 0.0
        self.now = min(self.now + timeout + self._oversleeps(), self._end)
        return self.now >= self._end
