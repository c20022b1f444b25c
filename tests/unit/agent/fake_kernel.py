"""A kernel that counts what a test says, standing in for the four system calls and nothing above them."""

import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.sources._perf import ffi
from agent.sources.kernel import OWN_THREAD, Kernel

RAW = 4
SLOTS = 0x400
FIXED = frozenset({0xC0, 0x3C, SLOTS})
METRICS = frozenset(0x8000 + 0x100 * index for index in range(8))


@dataclass
class OpenCounter:
    """One fabricated counter."""

    fd: int
    type: int
    config: int
    cpu: int
    leader: int
    started_ns: int | None = None
    members: list[int] = field(default_factory=list)


def _counts_nothing(counter: OpenCounter) -> float:
    return 0.0


def _refuses_nothing(counter: OpenCounter) -> int:
    return 0


class FakeKernel:
    """Counters whose value is ``rate(counter)`` a nanosecond of running time.

    ``refuse`` gives an errno for counters that the node lacks; ``counters`` is how many general core counters a group
    may take; ``running_share`` what part of enabled time a group runs; ``refuse_to_start`` is the errno of
    starting one; ``unreadable`` descriptors fail with EIO; ``closed`` has descriptors in the order of their closing;
    time moves on by ``advance``, and by ``ns_a_read`` with each read.
    """

    def __init__(
        self,
        *,
        rate: Callable[[OpenCounter], float] = _counts_nothing,
        refuse: Callable[[OpenCounter], int] = _refuses_nothing,
        counters: int = 8,
        running_share: float = 1.0,
        refuse_to_start: int = 0,
    ) -> None:
        self.rate = rate
        self.refuse = refuse
        self.counters = counters
        self.running_share = running_share
        self.refuse_to_start = refuse_to_start
        self.now_ns = 1_000_000
        self.open_counters: dict[int, OpenCounter] = {}
        self.ns_a_read = 0
        self.closed: list[int] = []
        self.unreadable: set[int] = set()
        self.reads = 0
        self._next_fd = 1000
        self._callbacks = [
            ffi.callback("long(struct perf_event_attr *, int, int, int, unsigned long)", self._open),
            ffi.callback("long(int, void *, size_t)", self._read),
            ffi.callback("long(int, unsigned long, unsigned long)", self._ioctl),
            ffi.callback("long(int)", self._close),
        ]
        self._calls = ffi.new("leeward_system_calls *", self._callbacks)

    @property
    def kernel(self) -> Kernel:
        return Kernel(self._calls, owner=self)

    def advance(self, nanoseconds: int) -> None:
        self.now_ns += nanoseconds

    def groups_on(self, cpu: int) -> list[list[OpenCounter]]:
        return [
            [self.open_counters[fd] for fd in counter.members]
            for counter in self.open_counters.values()
            if counter.fd == counter.leader and counter.cpu == cpu
        ]

    def _open(self, attr: Any, pid: int, cpu: int, group_fd: int, flags: int) -> int:
        assert (pid, attr.read_format) == (0 if cpu == OWN_THREAD else -1, 0b1011)
        fd = self._next_fd
        leader = fd if group_fd < 0 else group_fd
        counter = OpenCounter(fd=fd, type=attr.type, config=attr.config, cpu=cpu, leader=leader)
        refused = self.refuse(counter) or self._breaks_group(counter)
        if refused:
            return -refused
        self._next_fd += 1
        self.open_counters[fd] = counter
        self.open_counters[leader].members.append(fd)
        return fd

    def _breaks_group(self, counter: OpenCounter) -> int:
        if counter.type != RAW:
            return 0
        members = [] if counter.leader == counter.fd else self.open_counters[counter.leader].members
        configs = [self.open_counters[fd].config for fd in members] + [counter.config]
        if counter.config in METRICS and configs[0] != SLOTS:
            return errno.EINVAL
        general = [config for config in configs if config not in FIXED | METRICS]
        return errno.EINVAL if len(general) > self.counters else 0

    def _ioctl(self, fd: int, request: int, argument: int) -> int:
        assert argument == 1
        self.open_counters[fd].started_ns = self.now_ns
        return -self.refuse_to_start

    def _read(self, fd: int, buffer: Any, size: int) -> int:
        self.reads += 1
        self.now_ns += self.ns_a_read
        if fd in self.unreadable:
            return -errno.EIO
        counter = self.open_counters[fd]
        assert counter.started_ns is not None
        enabled = self.now_ns - counter.started_ns
        running = int(enabled * self.running_share)
        values = [int(self.rate(self.open_counters[member]) * running) for member in counter.members]
        content = struct.pack(f"={3 + len(values)}Q", len(values), enabled, running, *values)
        assert len(content) <= size
        ffi.memmove(buffer, content, len(content))
        return len(content)

    def _close(self, fd: int) -> int:
        del self.open_counters[fd]
        self.closed.append(fd)
        return 0
