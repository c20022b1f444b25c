"""The kernel's own software events: a sign of life that needs no hardware PMU.

They are no events of the feature contract and enter no vector; ``once`` shows them, so that a machine without a PMU
still proves that the agent can count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.encoding import Encoding
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.kernel import HEADER_WORDS, OWN_THREAD, GroupRows, Kernel, ReadPlan
from agent.sources.protocol import MissingEvent
from agent.sources.refusal import first_reasons, refused
from agent.topology import Topology

_PERF_TYPE_SOFTWARE = 1
_CONFIGS: Mapping[str, int] = {
    "cpu-clock": 0,
    "task-clock": 1,
    "page-faults": 2,
    "context-switches": 3,
    "cpu-migrations": 4,
    "minor-faults": 5,
    "major-faults": 6,
}
"""``enum perf_sw_ids`` of ``include/uapi/linux/perf_event.h``. The two clocks count nanoseconds."""

CLOCKS = frozenset({"cpu-clock", "task-clock"})
SOFTWARE_EVENTS = ("cpu-clock", "context-switches", "cpu-migrations", "page-faults", "minor-faults", "major-faults")
OWN_THREAD_EVENTS = ("task-clock", "page-faults", "minor-faults", "major-faults")
"""What happens in user mode, which is all that an unprivileged user may count; switches and migrations do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareWindow:
    """What the kernel counted between two readings.

    Attributes:
        counts: event name to count, summed over ``cpus`` CPUs; clocks in nanoseconds. What was not counted is absent.
        cpus: how many CPUs are in the sums; 0 where the agent may count nothing but its own thread.
        missing: what could not be counted on any CPU, and why.
    """

    counts: Mapping[str, int]
    cpus: int
    missing: tuple[MissingEvent, ...] = ()


class SoftwareCounters:
    """One group of software events on every online CPU, or on the agent's own thread where no CPU may be counted."""

    def __init__(self, *, topology: Topology, kernel: Kernel | None = None) -> None:
        self._cpus = tuple(cpu for domain in topology.domains for cpu in domain.cpus)
        self._kernel = kernel or Kernel()
        self._events: tuple[str, ...] = ()
        self._groups: list[tuple[int, ...]] = []
        self._start: GroupRows | None = None
        self._missing: tuple[MissingEvent, ...] = ()

    def open(self) -> None:
        """Open and start counting; what fails is told by ``window``."""
        self.close()
        self._missing = self._open_groups(SOFTWARE_EVENTS, self._cpus)
        if not self._groups:
            self._open_groups(OWN_THREAD_EVENTS, (OWN_THREAD,))
        self._start = self._read()

    def window(self) -> SoftwareWindow:
        """Counts since ``open``."""
        if self._start is None or not self._groups:
            return SoftwareWindow(counts={}, cpus=0, missing=self._missing)
        now = self._read()
        read = (self._start.errors == 0) & (now.errors == 0)
        sums = (now.words[read] - self._start.words[read])[:, HEADER_WORDS:].sum(axis=0)
        return SoftwareWindow(
            counts=dict(zip(self._events, sums.tolist(), strict=True)) if read.any() else {},
            cpus=int(np.count_nonzero(read)) if self._events == SOFTWARE_EVENTS else 0,
            missing=self._missing,
        )

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        for group in self._groups:
            close_group(self._kernel, group)
        self._groups.clear()
        self._start = None

    def _open_groups(self, events: tuple[str, ...], cpus: Sequence[int]) -> tuple[MissingEvent, ...]:
        """A group on each of ``cpus``; returns why there is none where all refuse."""
        self._events = events
        encodings = [
            Encoding(event=name, pmu="software", type=_PERF_TYPE_SOFTWARE, config=_CONFIGS[name]) for name in events
        ]
        missing: list[MissingEvent] = []
        for cpu in cpus:
            group = open_group(self._kernel, encodings, cpu=cpu)
            if isinstance(group, Refusal):
                missing.extend(refused(name, group.errno) for name in events)
            else:
                self._groups.append(group)
        return first_reasons(missing, opened=frozenset(events if self._groups else ()))

    def _read(self) -> GroupRows:
        leaders = [group[0] for group in self._groups]
        return self._kernel.read_groups(ReadPlan(leaders, [len(self._events)] * len(leaders)))
