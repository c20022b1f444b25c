"""A kernel that counts what a test says, standing in for the system calls and nothing above them."""

import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.sources._perf import ffi
from agent.sources.kernel import OWN_THREAD, Kernel

RAW = 4
PID_CGROUP = 4
ENABLE, DISABLE = 0x2400, 0x2401
HOME = frozenset({0, 1})
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
    cgroup_fd: int = -1
    started_ns: int | None = None
    enabled_ns: int = 0
    members: list[int] = field(default_factory=list)


def _counts_nothing(counter: OpenCounter) -> float:
    return 0.0


def _refuses_nothing(counter: OpenCounter) -> int:
    return 0


class FakeKernel:
    """Counters whose value is ``rate(counter)`` a nanosecond of running time.

    ``refuse`` gives an errno for counters that the node lacks; ``counters`` is how many general core counters a group
    may take; ``running_share`` what part of enabled time a group runs; ``refuse_to_start`` is the errno of starting
    one; ``unreadable`` descriptors fail with EIO; ``closed`` has descriptors in the order of their closing; time
    moves on by ``advance``, and by ``ns_a_read`` with each read.

    ``may_move`` is whether the thread can be moved to other CPUs, ``moves`` how often it was, ``standing`` the CPUs
    that it may run on (``HOME`` at first), ``read_from`` the descriptor and the place of each read.
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
        self.may_move = True
        self.standing = HOME
        self.moves = 0
        self.read_from: list[tuple[int, frozenset[int]]] = []
        self._next_fd = 1000
        self._callbacks = [
            ffi.callback("long(struct perf_event_attr *, int, int, int, unsigned long)", self._open),
            ffi.callback("long(int, void *, size_t)", self._read),
            ffi.callback("long(int, unsigned long, unsigned long)", self._ioctl),
            ffi.callback("long(int)", self._close),
            ffi.callback("long(size_t, unsigned long *)", self._get_affinity),
            ffi.callback("long(size_t, const unsigned long *)", self._set_affinity),
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
        assert attr.read_format == 0b1011
        cgroup_fd = pid if flags & PID_CGROUP else -1
        assert pid == (0 if cpu == OWN_THREAD else cgroup_fd)
        fd = self._next_fd
        leader = fd if group_fd < 0 else group_fd
        counter = OpenCounter(fd=fd, type=attr.type, config=attr.config, cpu=cpu, leader=leader, cgroup_fd=cgroup_fd)
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
        counter = self.open_counters[fd]
        if request == DISABLE:
            counter.enabled_ns, counter.started_ns = self._enabled_ns(counter), None
            return 0
        assert request == ENABLE
        if not self.refuse_to_start and counter.started_ns is None:
            counter.started_ns = self.now_ns
        return -self.refuse_to_start

    def _enabled_ns(self, counter: OpenCounter) -> int:
        return counter.enabled_ns + (self.now_ns - counter.started_ns if counter.started_ns is not None else 0)

    def _read(self, fd: int, buffer: Any, size: int) -> int:
        self.reads += 1
        self.read_from.append((fd, self.standing))
        self.now_ns += self.ns_a_read
        if fd in self.unreadable:
            return -errno.EIO
        counter = self.open_counters[fd]
        enabled = self._enabled_ns(counter)
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

    def _get_affinity(self, size: int, mask: Any) -> int:
        content = sum(1 << cpu for cpu in self.standing).to_bytes(size, "little")
        ffi.memmove(mask, content, size)
        return size

    def _set_affinity(self, size: int, mask: Any) -> int:
        if not self.may_move:
            return -errno.EINVAL
        self.moves += 1
        bits = int.from_bytes(bytes(ffi.buffer(mask, size)), "little")
        self.standing = frozenset(cpu for cpu in range(8 * size) if bits >> cpu & 1)
        return 0
