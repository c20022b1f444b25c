import errno
import os
import struct
from typing import Any

import numpy as np
import pytest

from agent.encoding import Encoding
from agent.sources._perf import ffi
from agent.sources.kernel import HEADER_WORDS, OWN_THREAD, Kernel

TASK_CLOCK = Encoding(event="task-clock", pmu="software", type=1, config=1)
PAGE_FAULTS = Encoding(event="page-faults", pmu="software", type=1, config=2)


def may_count() -> bool:
    descriptor = Kernel().open(TASK_CLOCK, cpu=OWN_THREAD)
    if descriptor >= 0:
        Kernel().close(descriptor)
    return descriptor >= 0


needs_counting = pytest.mark.skipif(
    not may_count(), reason="perf_event_paranoid or seccomp refuses this user even its own counters"
)


@needs_counting
def test_a_real_group_counts_and_its_times_grow() -> None:
    """On the own thread, which an unprivileged user may count as well."""
    kernel = Kernel()
    leader = kernel.open(TASK_CLOCK, cpu=OWN_THREAD)
    member = kernel.open(PAGE_FAULTS, cpu=OWN_THREAD, group_fd=leader)
    assert min(leader, member) >= 0
    assert not os.get_inheritable(leader)
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


def test_what_is_asked_of_the_kernel() -> None:
    """A CPU's tasks with nothing left out, or the own thread in user mode; leaders wait for their group."""
    asked: list[tuple[Any, ...]] = []

    def record(attr: Any, pid: int, cpu: int, group_fd: int, flags: int) -> int:
        bits = ffi.cast("uint64_t *", attr)[5]
        asked.append((pid, cpu, group_fd, flags, attr.config, bits))
        return 7

    callback = ffi.callback("long(struct perf_event_attr *, int, int, int, unsigned long)", record)
    kernel = Kernel(ffi.new("leeward_system_calls *", {"open": callback}), owner=callback)
    assert kernel.open(PAGE_FAULTS, cpu=3) == 7
    kernel.open(PAGE_FAULTS, cpu=3, group_fd=7)
    kernel.open(PAGE_FAULTS, cpu=OWN_THREAD)
    close_on_exec = 8
    disabled, exclude_kernel, exclude_hypervisor = 1 << 0, 1 << 5, 1 << 6
    assert asked == [
        (-1, 3, -1, close_on_exec, 2, disabled),
        (-1, 3, 7, close_on_exec, 2, 0),
        (0, -1, -1, close_on_exec, 2, disabled | exclude_kernel | exclude_hypervisor),
    ]


@needs_counting
def test_refusals_are_negative_errnos() -> None:
    kernel = Kernel()
    assert kernel.open(Encoding(event="x", pmu="none", type=9999, config=0), cpu=OWN_THREAD) == -errno.ENOENT
    assert kernel.open(TASK_CLOCK, cpu=OWN_THREAD, group_fd=2**30) == -errno.EBADF


def test_a_group_that_is_none_cannot_be_started() -> None:
    assert Kernel().enable(2**30) == -errno.EBADF


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
