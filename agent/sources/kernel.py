"""The system calls behind every counter, as Python sees them.

The C side takes the calls through a structure of function pointers; ``Kernel()`` uses the real ones. A test hands in
its own structure and thereby fabricates counters without touching any code above the system call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.encoding import Encoding
from agent.sources._perf import ffi, lib
from agent.sources.protocol import CountArray

HEADER_WORDS: int = lib.LEEWARD_HEADER_WORDS
"""Words before the first value of a group read: number of counters, time enabled, time running."""

OWN_THREAD: int = lib.LEEWARD_OWN_THREAD
"""In place of a CPU: count the calling thread in user mode, wherever it runs; what needs no privilege."""


_ANYWHERE: int = lib.LEEWARD_ANYWHERE
_AFFINITY_WORDS: int = lib.LEEWARD_AFFINITY_WORDS


class ReadPlan:
    """Which groups one call of C reads, and from where.

    Args:
        leaders: the leaders' descriptors.
        members: how many counters each group has.
        places: for each group the CPUs from which reading it interrupts nobody; none where it doesn't matter, which
            is what an absent argument means for all.
    """

    def __init__(
        self, leaders: Sequence[int], members: Sequence[int], *, places: Sequence[frozenset[int]] | None = None
    ) -> None:
        wanted = tuple(places) if places is not None else (frozenset(),) * len(leaders)
        known = sorted({place for place in wanted if place}, key=sorted)
        numbers = np.array([known.index(place) if place else _ANYWHERE for place in wanted], dtype=np.intc)
        order = np.argsort(numbers, kind="stable")
        self.groups = len(leaders)
        self.width = HEADER_WORDS + max(members, default=0)
        self.back = np.argsort(order)
        self._arrays = (
            np.array(leaders, dtype=np.intc)[order],
            np.array(members, dtype=np.intc)[order],
            numbers[order],
            _masks(known),
        )
        fds, counters, ordered, masks = self._arrays
        self.pointer = ffi.new(
            "leeward_read_plan *",
            {
                "groups": self.groups,
                "fds": ffi.from_buffer("int[]", fds),
                "members": ffi.from_buffer("int[]", counters),
                "places": ffi.from_buffer("int[]", ordered),
                "masks": ffi.from_buffer("unsigned long[]", masks),
                "words_per_row": self.width,
            },
        )


def _masks(places: Sequence[frozenset[int]]) -> NDArray[np.uint64]:
    masks = np.zeros((len(places), _AFFINITY_WORDS), dtype=np.uint64)
    for index, place in enumerate(places):
        for cpu in place:
            masks[index, cpu // 64] |= np.uint64(1 << cpu % 64)
    return masks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupRows:
    """What one read of many groups gave.

    Attributes:
        words: uint64 ``(groups, HEADER_WORDS + widest group)``.
        errors: errno a group, 0 where the row holds.
    """

    words: CountArray
    errors: NDArray[np.intc]


class Kernel:
    """``perf_event_open``, enable, group read and close.

    Args:
        calls: ``leeward_system_calls *``; the real system calls where it is absent.
        owner: whoever holds the functions behind ``calls``; kept alive as long as this object, since C cannot know.
    """

    def __init__(self, calls: Any = None, *, owner: object = None) -> None:
        self._calls = lib.leeward_kernel() if calls is None else calls
        self._owner = owner

    def open(self, encoding: Encoding, *, cpu: int, group_fd: int = -1, cgroup_fd: int | None = None) -> int:
        """Open one counter on one CPU, or for ``OWN_THREAD``; a leader (``group_fd`` -1) starts disabled.

        Args:
            encoding: what to count.
            cpu: which CPU counts.
            group_fd: the leader, for its members.
            cgroup_fd: descriptor of a cgroup's directory: its tasks alone are counted, else all tasks of the CPU.

        Returns:
            A file descriptor, or minus an errno.
        """
        return int(
            lib.leeward_perf_open(
                self._calls,
                encoding.type,
                encoding.config,
                encoding.config1,
                encoding.config2,
                lib.LEEWARD_EVERY_TASK if cgroup_fd is None else cgroup_fd,
                cpu,
                group_fd,
            )
        )

    def enable(self, fd: int) -> int:
        """Start a leader's whole group; 0, or minus an errno."""
        return int(lib.leeward_perf_enable(self._calls, fd))

    def disable(self, fd: int) -> int:
        """Stop a leader's whole group, which keeps its counts; 0, or minus an errno."""
        return int(lib.leeward_perf_disable(self._calls, fd))

    def close(self, fd: int) -> None:
        """Close a descriptor; the kernel frees the counter even where close itself reports an error."""
        lib.leeward_perf_close(self._calls, fd)

    def read_groups(self, plan: ReadPlan) -> GroupRows:
        """Read all groups of a plan in one call of C; rows are in the order in which the plan was given them."""
        words = np.zeros((plan.groups, plan.width), dtype=np.uint64)
        errors = np.zeros(plan.groups, dtype=np.intc)
        lib.leeward_perf_read_groups(
            self._calls,
            plan.pointer,
            ffi.from_buffer("uint64_t[]", words, require_writable=True),
            ffi.from_buffer("int[]", errors, require_writable=True),
        )
        return GroupRows(words=words[plan.back], errors=errors[plan.back])
