"""The kernel's own software events: a sign of life that needs no hardware PMU.

They are no events of the feature contract and enter no vector; ``once`` shows them, so that a machine without a PMU
still proves that the agent can count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agent.encoding import Encoding
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.kernel import HEADER_WORDS, GroupRows, Kernel
from agent.sources.protocol import MissingEvent
from agent.sources.refusal import first_reasons, refused
from agent.topology import Topology

_PERF_TYPE_SOFTWARE = 1
_CONFIGS: Mapping[str, int] = {
    "cpu-clock": 0,
    "context-switches": 3,
    "cpu-migrations": 4,
    "page-faults": 2,
    "minor-faults": 5,
    "major-faults": 6,
}
"""``enum perf_sw_ids`` of ``include/uapi/linux/perf_event.h``. ``cpu-clock`` counts nanoseconds."""

SOFTWARE_EVENTS = tuple(_CONFIGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareWindow:
    """What the kernel counted between two readings, summed over the CPUs that could be read.

    Attributes:
        counts: event name to count; ``cpu-clock`` in nanoseconds. An event that could not be opened is absent.
        cpus: how many CPUs are in the sums.
        missing: what could not be opened, and why.
    """

    counts: Mapping[str, int]
    cpus: int
    missing: tuple[MissingEvent, ...] = ()


class SoftwareCounters:
    """One group of software events on every online CPU."""

    def __init__(self, *, topology: Topology, kernel: Kernel | None = None) -> None:
        self._cpus = tuple(cpu for domain in topology.domains for cpu in domain.cpus)
        self._kernel = kernel or Kernel()
        self._groups: list[tuple[int, ...]] = []
        self._start: GroupRows | None = None
        self._missing: tuple[MissingEvent, ...] = ()

    def open(self) -> None:
        """Open and start counting; what fails is told by ``window``."""
        self.close()
        encodings = [
            Encoding(event=name, pmu="software", type=_PERF_TYPE_SOFTWARE, config=config)
            for name, config in _CONFIGS.items()
        ]
        missing: list[MissingEvent] = []
        for cpu in self._cpus:
            group = open_group(self._kernel, encodings, cpu=cpu)
            if isinstance(group, Refusal):
                missing.extend(refused(name, group.errno) for name in SOFTWARE_EVENTS)
            else:
                self._groups.append(group)
        opened = frozenset(SOFTWARE_EVENTS) if self._groups else frozenset[str]()
        self._missing = first_reasons(missing, opened=opened)
        self._start = self._read()

    def window(self) -> SoftwareWindow:
        """Counts since ``open``."""
        if self._start is None or not self._groups:
            return SoftwareWindow(counts={}, cpus=0, missing=self._missing)
        now = self._read()
        read = (self._start.errors == 0) & (now.errors == 0)
        sums = (now.words[read] - self._start.words[read])[:, HEADER_WORDS:].sum(axis=0)
        counts = dict(zip(SOFTWARE_EVENTS, sums.tolist(), strict=True))
        return SoftwareWindow(counts=counts, cpus=int(np.count_nonzero(read)), missing=self._missing)

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        for group in self._groups:
            close_group(self._kernel, group)
        self._groups.clear()
        self._start = None

    def _read(self) -> GroupRows:
        leaders = np.array([group[0] for group in self._groups], dtype=np.intc)
        members = np.full(len(self._groups), len(SOFTWARE_EVENTS), dtype=np.intc)
        return self._kernel.read_groups(leaders, members)
