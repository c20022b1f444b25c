"""What every counter source offers: open what the node has, read it, say what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contracts.events import Pmu

CountArray = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CounterBlock:
    """Cumulative counts of one group of events over several instances of one PMU.

    All events of a block are scheduled onto the hardware together, so one pair of times holds for the whole row and
    multiplexing cancels in a quotient of two of them.

    Attributes:
        pmu: who counts.
        events: vendor names, one a column.
        instances: stable names of the rows: ``cpu17``, ``uncore_cha_3@socket0``.
        domains: the contention domain of each row.
        counts: uint64 ``(len(instances), len(events))``, as the kernel gives them, never scaled.
        enabled_ns, running_ns: uint64 ``(len(instances),)``, time_enabled and time_running of the group.
    """

    pmu: Pmu
    events: tuple[str, ...]
    instances: tuple[str, ...]
    domains: tuple[str, ...]
    counts: CountArray
    enabled_ns: CountArray
    running_ns: CountArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that a source saw at one moment.

    Attributes:
        wall_ns: UTC nanoseconds since 1970.
        monotonic_ns: nanoseconds of a clock that never steps, and that stands still while the machine sleeps.
        asleep_ns: how long the machine has slept since it was started; 0 where nobody asked.
        blocks: cumulative counters.
        gauges: domain to event to present value, for what is no counter (LLC occupancy in bytes).
    """

    wall_ns: int
    monotonic_ns: int
    asleep_ns: int = 0
    blocks: tuple[CounterBlock, ...] = ()
    gauges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEvent:
    """An event that could not be opened, and why.

    Attributes:
        event: vendor name.
        errno: symbolic (``ENOENT``, ``EACCES``, ...), as the system call gave it.
        reason: one sentence that a person can act upon.
    """

    event: str
    errno: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a source offers after opening."""

    events: frozenset[str] = frozenset()
    missing: tuple[MissingEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCost:
    """What a source of descriptors has cost so far; those that count it have a property ``figures``.

    Attributes:
        groups, descriptors: open now.
        interruptions: of other CPUs since the start.
    """

    groups: int
    descriptors: int
    interruptions: int


class CounterSource(Protocol):
    """One origin of counters. A source that finds nothing opens with everything missing; it does not raise."""

    @property
    def name(self) -> str:
        """``perf``, ``uncore``, ``resctrl``, ..."""

    def open(self, events: frozenset[str]) -> Opened:
        """Open those of ``events`` that are this source's; the others are left to other sources."""

    def read(self, *, ends_window: bool = True) -> Reading:
        """Read what was opened, at once.

        Counters are cumulative, so what they say between the ends of a window is said again at its end. Reading them
        costs, above all those of other CPUs, which it interrupts. A gauge has no past, so it is read each time.

        Args:
            ends_window: whether a window ends with this reading, and the next begins. Where none does, a source may
                leave out any counters, and reads its gauges all the same.
        """

    def close(self) -> None:
        """Release every descriptor; a second call does nothing."""
