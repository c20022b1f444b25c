"""Large fabricated nodes whose counters are real descriptors on this machine's CPUs.

No machine at hand has 224 CPUs with a hardware PMU. What reading costs is the system call and the interrupt of another
CPU, and a software event has both; so every counter that the agent opens becomes one. What a hardware PMU adds on the
interrupted CPU, some tens of nanoseconds a counter, is not in it.
"""

import os
from typing import Any

from agent.sources._perf import ffi, lib
from agent.sources.kernel import Kernel
from agent.sources.protocol import CounterSource, Opened, Reading

_SOFTWARE, _DUMMY = 1, 9
"""``PERF_TYPE_SOFTWARE``, and the event that counts nothing (``include/uapi/linux/perf_event.h``)."""

SIXTEEN_EVENTS = frozenset(
    {
        "TOPDOWN.SLOTS",
        "PERF_METRICS.BACKEND_BOUND",
        "PERF_METRICS.BRANCH_MISPREDICTS",
        "PERF_METRICS.FETCH_LATENCY",
        "PERF_METRICS.MEMORY_BOUND",
        "MEM_LOAD_RETIRED.L3_HIT",
        "MEM_LOAD_RETIRED.L3_MISS",
        "MEMORY_ACTIVITY.STALLS_L1D_MISS",
        "MEMORY_ACTIVITY.STALLS_L2_MISS",
        "MEMORY_ACTIVITY.STALLS_L3_MISS",
        "CPU_CLK_UNHALTED.THREAD",
        "CPU_CLK_UNHALTED.DISTRIBUTED",
        "XQ.FULL_CYCLES",
        "INST_RETIRED.ANY",
        "DTLB_LOAD_MISSES.WALK_COMPLETED",
        "ITLB_MISSES.WALK_COMPLETED",
    }
)


class RealReads:
    """A kernel whose counters are software events; only opening and closing go through Python.

    Args:
        remote_share: which part of the fabricated CPUs, 0 to 1, is another CPU than the one that reads.
    """

    def __init__(self, *, remote_share: float) -> None:
        self._own, self._other = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
        self._remote_share = remote_share
        kernel = lib.leeward_kernel()
        self._open = ffi.callback("long(struct perf_event_attr *, int, int, int, unsigned long)", self._opened)
        self._calls = ffi.new("leeward_system_calls *", kernel[0])
        self._close = ffi.callback("long(int)", self._closed)
        self._calls.open, self._calls.close = self._open, self._close
        self._kernel_open, self._kernel_close = kernel.open, kernel.close
        self.open_now = 0

    @property
    def kernel(self) -> Kernel:
        """For the sources."""
        return Kernel(self._calls, owner=self)

    def stay_on_own_cpu(self) -> None:
        """Pin this process to the CPU that counts as the reader's own."""
        os.sched_setaffinity(0, {self._own})

    def _opened(self, attr: Any, pid: int, cpu: int, group_fd: int, flags: int) -> int:
        attr.type, attr.config = _SOFTWARE, _DUMMY
        attr.config1 = attr.config2 = 0
        is_remote = (cpu * 0.6180339887) % 1.0 < self._remote_share
        result = int(self._kernel_open(attr, pid, self._other if is_remote else self._own, group_fd, flags))
        self.open_now += result >= 0
        return result

    def _closed(self, fd: int) -> int:
        self.open_now -= 1
        return int(self._kernel_close(fd))


class FewerEvents:
    """A source that is asked for some events only, and may be read whole with every sample.

    Args:
        source: whose events.
        events: those that are wanted.
        every_sample: whether counters are read between the ends of windows too, as a plainer agent would.
    """

    def __init__(self, source: CounterSource, events: frozenset[str], *, every_sample: bool = False) -> None:
        self._source = source
        self._events = events
        self._every_sample = every_sample
        self.name = source.name

    def open(self, events: frozenset[str]) -> Opened:
        """Open those of ``events`` that are wanted."""
        return self._source.open(events & self._events)

    def read(self, *, ends_window: bool = True) -> Reading:
        """As the source."""
        return self._source.read(ends_window=ends_window or self._every_sample)

    def close(self) -> None:
        """As the source."""
        self._source.close()
