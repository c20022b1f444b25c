import errno
import struct
from typing import Any

import numpy as np

from agent.encoding import Encoding
from agent.sources._perf import ffi
from agent.sources.kernel import HEADER_WORDS, Kernel

CPU_CLOCK = Encoding(event="cpu-clock", pmu="software", type=1, config=0)
PAGE_FAULTS = Encoding(event="page-faults", pmu="software", type=1, config=2)


def test_a_real_group_counts_and_its_times_grow() -> None:
    kernel = Kernel()
    leader = kernel.open(CPU_CLOCK, cpu=0)
    member = kernel.open(PAGE_FAULTS, cpu=0, group_fd=leader)
    assert min(leader, member) >= 0
    leaders, members = np.array([leader], dtype=np.intc), np.array([2], dtype=np.intc)
    assert kernel.read_groups(leaders, members).words[0, 1] == 0
    assert kernel.enable(leader) == 0
    first, second = (kernel.read_groups(leaders, members) for _ in range(2))
    kernel.close(member)
    kernel.close(leader)
    assert first.errors.tolist() == second.errors.tolist() == [0]
    assert second.words.shape == (1, HEADER_WORDS + 2)
    assert second.words[0, 0] == 2
    assert second.words[0, 1] > first.words[0, 1] >= first.words[0, 2] > 0
    assert second.words[0, HEADER_WORDS] > first.words[0, HEADER_WORDS]


def test_refusals_are_negative_errnos() -> None:
    kernel = Kernel()
    assert kernel.open(Encoding(event="x", pmu="none", type=9999, config=0), cpu=0) == -errno.ENOENT
    assert kernel.open(CPU_CLOCK, cpu=0, group_fd=2**30) == -errno.EBADF
    assert kernel.enable(2**30) == -errno.EBADF


def test_no_groups_are_no_rows() -> None:
    none = np.array([], dtype=np.intc)
    assert Kernel().read_groups(none, none).words.shape == (0, HEADER_WORDS)


def test_one_failing_group_does_not_spoil_the_others() -> None:
    """Descriptor 1 is well, 2 fails, 3 is at its end, 4 gives fewer counters than the group has."""
    contents = {1: (2, 9, 8, 70, 71), 3: (), 4: (1, 9, 8, 70)}

    def read(fd: int, buffer: Any, size: int) -> int:
        if fd not in contents:
            return -errno.ENODEV
        content = struct.pack(f"={len(contents[fd])}Q", *contents[fd])
        ffi.memmove(buffer, content, len(content))
        return len(content)

    callback = ffi.callback("long(int, void *, size_t)", read)
    kernel = Kernel(ffi.new("leeward_system_calls *", {"read": callback}), owner=callback)
    rows = kernel.read_groups(np.array([1, 2, 3, 4], dtype=np.intc), np.full(4, 2, dtype=np.intc))
    assert rows.errors.tolist() == [0, errno.ENODEV, errno.ENODATA, errno.ENODATA]
    assert rows.words[0].tolist() == [2, 9, 8, 70, 71]
