"""The four system calls behind every counter, as Python sees them.

The C side takes the calls through a structure of function pointers; ``Kernel()`` uses the real ones. A test hands in
its own structure and thereby fabricates counters without touching any code above the system call.
"""

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

    def open(self, encoding: Encoding, *, cpu: int, group_fd: int = -1) -> int:
        """Open one counter for all tasks of one CPU, or for ``OWN_THREAD``; a leader (``group_fd`` -1) starts disabled.

        Returns:
            A file descriptor, or minus an errno.
        """
        return int(
            lib.leeward_perf_open(
                self._calls, encoding.type, encoding.config, encoding.config1, encoding.config2, cpu, group_fd
            )
        )

    def enable(self, fd: int) -> int:
        """Start a leader's whole group; 0, or minus an errno."""
        return int(lib.leeward_perf_enable(self._calls, fd))

    def close(self, fd: int) -> None:
        """Close a descriptor; the kernel frees the counter even where close itself reports an error."""
        lib.leeward_perf_close(self._calls, fd)

    def read_groups(self, leaders: NDArray[np.intc], members: NDArray[np.intc]) -> GroupRows:
        """Read all groups in one call of C.

        Args:
            leaders: C int ``(groups,)``, the leaders' descriptors.
            members: C int ``(groups,)``, how many counters each group has.
        """
        width = HEADER_WORDS + int(members.max(initial=0))
        words = np.zeros((len(leaders), width), dtype=np.uint64)
        errors = np.zeros(len(leaders), dtype=np.intc)
        lib.leeward_perf_read_groups(
            self._calls,
            ffi.from_buffer("int[]", leaders),
            ffi.from_buffer("int[]", members),
            len(leaders),
            ffi.from_buffer("uint64_t[]", words, require_writable=True),
            width,
            ffi.from_buffer("int[]", errors, require_writable=True),
        )
        return GroupRows(words=words, errors=errors)
