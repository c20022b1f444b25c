import errno
import os
import struct
from typing import Any

import pytest

from agent.encoding import Encoding
from agent.sources._perf import ffi
from agent.sources.kernel import HEADER_WORDS, OWN_THREAD, Kernel, ReadPlan
from tests.unit.agent.fake_kernel import HOME, FakeKernel

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
    plan = ReadPlan([leader], [2])
    assert kernel.read_groups(plan).words[0, 1] == 0
    assert kernel.enable(leader) == 0
    first, second = (kernel.read_groups(plan) for _ in range(2))
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
    kernel.open(PAGE_FAULTS, cpu=3, cgroup_fd=5)
    close_on_exec, of_cgroup = 8, 4
    disabled, exclude_kernel, exclude_hypervisor = 1 << 0, 1 << 5, 1 << 6
    assert asked == [
        (-1, 3, -1, close_on_exec, 2, disabled),
        (-1, 3, 7, close_on_exec, 2, 0),
        (0, -1, -1, close_on_exec, 2, disabled | exclude_kernel | exclude_hypervisor),
        (5, 3, -1, close_on_exec | of_cgroup, 2, disabled),
    ]


@needs_counting
def test_refusals_are_negative_errnos() -> None:
    kernel = Kernel()
    assert kernel.open(Encoding(event="x", pmu="none", type=9999, config=0), cpu=OWN_THREAD) == -errno.ENOENT
    assert kernel.open(TASK_CLOCK, cpu=OWN_THREAD, group_fd=2**30) == -errno.EBADF


def test_a_group_that_is_none_cannot_be_started() -> None:
    assert Kernel().enable(2**30) == -errno.EBADF


def test_no_groups_are_no_rows() -> None:
    assert Kernel().read_groups(ReadPlan([], [])).words.shape == (0, HEADER_WORDS)


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
    rows = kernel.read_groups(ReadPlan([1, 2, 3, 4], [2] * 4))
    assert rows.errors.tolist() == [0, errno.ENODEV, errno.ENODATA, errno.ENODATA]
    assert rows.words[0].tolist() == [2, 9, 8, 70, 71]


def test_groups_are_read_from_their_own_places_in_one_move_each(fake: FakeKernel) -> None:
    """Rows come back in the order in which they were asked for, and the thread to where it may run."""
    leaders = [fake.kernel.open(TASK_CLOCK, cpu=cpu) for cpu in range(5)]
    for leader in leaders:
        fake.kernel.enable(leader)
    fake.advance(1000)
    left, right, anywhere = frozenset({2, 3}), frozenset({64, 200}), frozenset[int]()
    rows = fake.kernel.read_groups(ReadPlan(leaders, [1] * 5, places=[right, left, anywhere, right, left]))
    stood = dict(fake.read_from)
    assert [stood[leader] for leader in leaders] == [right, left, HOME, right, left]
    assert fake.moves == 3
    assert fake.standing == HOME
    assert rows.words[:, HEADER_WORDS].tolist() == [0, 1000, 2000, 3000, 4000]


def test_a_thread_that_may_not_move_reads_from_where_it_is(fake: FakeKernel) -> None:
    fake.may_move = False
    leader = fake.kernel.open(TASK_CLOCK, cpu=1)
    fake.kernel.enable(leader)
    fake.advance(1000)
    rows = fake.kernel.read_groups(ReadPlan([leader], [1], places=[frozenset({9})]))
    assert fake.read_from == [(leader, HOME)]
    assert rows.words[0, HEADER_WORDS] == 1000


def test_a_real_thread_comes_back_from_where_it_read() -> None:
    before = os.sched_getaffinity(0)
    (last,) = sorted(before)[-1:]
    Kernel().read_groups(ReadPlan([2**30], [1], places=[frozenset({last})]))
    assert os.sched_getaffinity(0) == before


@pytest.fixture
def fake() -> FakeKernel:
    return FakeKernel(rate=lambda counter: float(counter.cpu))
