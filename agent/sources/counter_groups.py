"""Open groups of counters and their common read."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.encoding import Encoding
from agent.sources.kernel import HEADER_WORDS, GroupRows, Kernel, ReadPlan
from agent.sources.protocol import CounterBlock
from agent.sources.unread import mark_unread
from contracts.events import Pmu


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The kernel would not open a group.

    Attributes:
        event: the member it refused.
        errno: why, above zero.
    """

    event: str
    errno: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where a group's counts belong: the row's name and its contention domain."""

    instance: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    descriptors: tuple[int, ...]
    rows: tuple[Row, ...]
    place: frozenset[int]


def open_group(
    kernel: Kernel, encodings: Sequence[Encoding], *, cpu: int, cgroup_fd: int | None = None, start: bool = True
) -> tuple[int, ...] | Refusal:
    """Open a group, the first encoding leading, and start it; all or nothing.

    Args:
        kernel: the system calls.
        encodings: one or more, of one PMU.
        cpu: which CPU counts.
        cgroup_fd: a cgroup's directory, to count its tasks alone.
        start: whether it counts at once.

    Returns:
        Descriptors in the order of ``encodings``, or why not.
    """
    descriptors: list[int] = []
    for encoding in encodings:
        result = kernel.open(encoding, cpu=cpu, group_fd=descriptors[0] if descriptors else -1, cgroup_fd=cgroup_fd)
        if result < 0:
            close_group(kernel, descriptors)
            return Refusal(event=encoding.event, errno=-result)
        descriptors.append(result)
    started = kernel.enable(descriptors[0]) if start else 0
    if started < 0:
        close_group(kernel, descriptors)
        return Refusal(event=encodings[0].event, errno=-started)
    return tuple(descriptors)


def close_group(kernel: Kernel, descriptors: Sequence[int]) -> None:
    """Close members before their leader."""
    for descriptor in reversed(descriptors):
        kernel.close(descriptor)


class CounterGroups:
    """The open groups of one source.

    Groups of the same events make one block, one row an instance. A group that several domains see whole (an uncore box
    of a socket with sub-NUMA clusters) has several rows and is read once.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._blocks: dict[tuple[Pmu, tuple[str, ...]], list[_Group]] = {}
        self._plan: ReadPlan | None = None

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def __len__(self) -> int:
        return sum(len(block) for block in self._blocks.values())

    @property
    def without_place(self) -> int:
        """How many groups are read from wherever the thread is."""
        return sum(not group.place for block in self._blocks.values() for group in block)

    @property
    def descriptors(self) -> int:
        """How many descriptors are open."""
        return sum(len(group.descriptors) for block in self._blocks.values() for group in block)

    def add(
        self,
        pmu: Pmu,
        events: tuple[str, ...],
        *,
        descriptors: tuple[int, ...],
        rows: tuple[Row, ...],
        place: frozenset[int] = frozenset(),
    ) -> None:
        """Take over an open group.

        Args:
            pmu, events: who counts what.
            descriptors: in the order of ``events``, the leader first.
            rows: where its counts belong.
            place: CPUs from which reading it interrupts nobody; none where it doesn't matter.
        """
        group = _Group(descriptors=descriptors, rows=rows, place=place)
        self._blocks.setdefault((pmu, events), []).append(group)
        self._plan = None

    @property
    def events(self) -> frozenset[str]:
        """Events with at least one open group."""
        return frozenset(name for _, events in self._blocks for name in events)

    def read(self) -> tuple[CounterBlock, ...]:
        """Read every group in one call of C; a row whose read failed is marked unread."""
        if self._plan is None:
            self._plan = self._planned()
        read = self._kernel.read_groups(self._plan)
        blocks = []
        start = 0
        for (pmu, events), block in self._blocks.items():
            blocks.append(_block(pmu, events, groups=block, read=read, start=start))
            start += len(block)
        return tuple(blocks)

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        for block in self._blocks.values():
            for group in block:
                close_group(self._kernel, group.descriptors)
        self._blocks.clear()
        self._plan = None

    def _planned(self) -> ReadPlan:
        groups = [group for block in self._blocks.values() for group in block]
        return ReadPlan(
            [group.descriptors[0] for group in groups],
            [len(group.descriptors) for group in groups],
            places=[group.place for group in groups],
        )


def _block(
    pmu: Pmu,
    events: tuple[str, ...],
    *,
    groups: Sequence[_Group],
    read: GroupRows,
    start: int,
) -> CounterBlock:
    held = [(start + index, row) for index, group in enumerate(groups) for row in group.rows]
    taken = [index for index, _ in held]
    words = read.words[taken]
    enabled_ns, running_ns = words[:, 1], words[:, 2]
    mark_unread(read.errors[taken] != 0, enabled_ns=enabled_ns, running_ns=running_ns)
    return CounterBlock(
        pmu=pmu,
        events=events,
        instances=tuple(row.instance for _, row in held),
        domains=tuple(row.domain for _, row in held),
        counts=words[:, HEADER_WORDS : HEADER_WORDS + len(events)],
        enabled_ns=enabled_ns,
        running_ns=running_ns,
    )
