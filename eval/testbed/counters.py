"""Cumulative counters of one node, as the kernel would give them: grouped, multiplexed, now and then misread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.event_table import definition
from agent.sources.groups import GENERAL_COUNTERS, plan_groups
from agent.sources.protocol import CounterBlock
from contracts.events import EVENTS, Base, Pmu, Unit
from eval.testbed.noise import COUNT_NOISE, ROTATION_NOISE
from eval.testbed.offer import EventOffer, Misreading

DoubleArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

_ALL_ONES = 2**32 - 1
_RACING_FACTOR = 3.0
_CLOCK_UNITS = tuple(Unit.of(base) for base in (Base.UNCORE_CLOCK, Base.DRAM_CLOCK, Base.LINK_CLOCK))


@lru_cache(maxsize=64)
def groups_of(pmu: Pmu, events: frozenset[str], core_counters: int) -> tuple[tuple[str, ...], ...]:
    """The groups that the agent would open for these events of one PMU."""
    if not events:
        return ()
    if pmu is Pmu.RESCTRL:
        return (tuple(sorted(events)),)
    counters = core_counters if pmu is Pmu.CORE else GENERAL_COUNTERS[pmu]
    return plan_groups([definition(name) for name in sorted(events)], counters=counters)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Draws:
    """Where each random number of an advance stands in one row of them: group by group its turns, then its counts.

    Attributes:
        count: how many there are.
        share, seen: ``(rows, groups)``, of each group's turns; empty where one group has them all.
        noise: ``(rows, events)``.
    """

    count: int
    share: IndexArray
    seen: IndexArray
    noise: IndexArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Columns:
    """Of one group, those that somebody opened."""

    group: int
    events: tuple[str, ...]
    columns: IndexArray


class CounterBank:
    """All groups of one PMU.

    Where there are several groups, the kernel gives each its turn: a group counts for a share of the time only, and
    what it then sees differs from the whole window by a factor that is common to the group.

    Args:
        pmu: who counts.
        instances, domains: of the rows.
        offer: the node's events and odd boxes.

    Attributes:
        events: of all groups, one after another.
    """

    def __init__(self, *, pmu: Pmu, instances: tuple[str, ...], domains: tuple[str, ...], offer: EventOffer) -> None:
        self._pmu = pmu
        self._instances = instances
        self._domains = domains
        self._misreadings = {
            index: box.misreading
            for box in offer.odd_boxes
            for index, instance in enumerate(instances)
            if instance == box.instance
        }
        offered = frozenset(name for name in offer.events if EVENTS[name].pmu is pmu and _is_cumulative(name))
        groups = groups_of(pmu, offered, offer.core_counters)
        self.events = tuple(event for group in groups for event in group)
        self._ticks = [index for index, event in enumerate(self.events) if EVENTS[event].unit in _CLOCK_UNITS]
        self._turns = len(groups)
        self._group_of = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._draws = _draws(len(instances), [len(group) for group in groups])
        self._counts = np.zeros((len(instances), len(self.events)))
        self._enabled_ns = np.zeros(len(instances))
        self._running_ns = np.zeros((len(instances), len(groups)))
        self._opened: dict[frozenset[str], tuple[_Columns, ...]] = {}

    def advance(self, rates: DoubleArray, seconds: float, rng: np.random.Generator) -> None:
        """Count on for some time.

        Args:
            rates: ``(events, rows)``, counts a second.
            seconds: above zero.
            rng: for the noise.
        """
        drawn = rng.standard_normal(self._draws.count)
        share = seen = np.ones_like(self._running_ns)
        if self._turns > 1:
            share = np.minimum(np.exp(ROTATION_NOISE * drawn[self._draws.share]) / self._turns, 1.0)
            seen = np.exp(ROTATION_NOISE * (1.0 - 1.0 / self._turns) * drawn[self._draws.seen])
        counted = self._misread(rates.T * np.exp(COUNT_NOISE * drawn[self._draws.noise]))
        self._counts += counted * (seconds * share * seen)[:, self._group_of]
        self._enabled_ns += seconds * 1e9
        self._running_ns += seconds * 1e9 * share

    def blocks(self, opened: frozenset[str]) -> tuple[CounterBlock, ...]:
        """The groups as they stand, with those columns that were opened."""
        if opened not in self._opened:
            self._opened[opened] = tuple(self._columns(opened))
        return tuple(self._block(columns) for columns in self._opened[opened])

    def _columns(self, opened: frozenset[str]) -> Iterator[_Columns]:
        is_open = np.array([event in opened for event in self.events], dtype=bool)
        for group in range(self._turns):
            columns = np.flatnonzero(is_open & (self._group_of == group))
            if len(columns):
                events = tuple(self.events[column] for column in columns.tolist())
                yield _Columns(group=group, events=events, columns=columns)

    def _block(self, of_group: _Columns) -> CounterBlock:
        counts = self._counts[:, of_group.columns].astype(np.uint64)
        for row, misreading in self._misreadings.items():
            if misreading is Misreading.STUCK:
                counts[row] = _ALL_ONES
        return CounterBlock(
            pmu=self._pmu,
            events=of_group.events,
            instances=self._instances,
            domains=self._domains,
            counts=counts,
            enabled_ns=self._enabled_ns.astype(np.uint64),
            running_ns=self._running_ns[:, of_group.group].astype(np.uint64),
        )

    def _misread(self, counted: DoubleArray) -> DoubleArray:
        for row, misreading in self._misreadings.items():
            if misreading is Misreading.SILENT:
                counted[row] = 0.0
            elif misreading is Misreading.RACING:
                counted[row, self._ticks] *= _RACING_FACTOR
        return counted


def _draws(rows: int, sizes: Sequence[int]) -> _Draws:
    """For groups of so many events over so many rows; a group's counts are drawn row after row."""
    takes_turns = len(sizes) > 1
    share, seen, noise, end = [], [], [np.empty((rows, 0), dtype=np.intp)], 0
    for size in sizes:
        if takes_turns:
            share.append(end + np.arange(rows))
            seen.append(end + rows + np.arange(rows))
            end += 2 * rows
        noise.append(end + np.arange(rows * size).reshape(rows, size))
        end += rows * size
    return _Draws(
        count=end,
        share=np.array(share, dtype=np.intp).T,
        seen=np.array(seen, dtype=np.intp).T,
        noise=np.concatenate(noise, axis=1),
    )


def _is_cumulative(event: str) -> bool:
    return event != "RESCTRL.LLC_OCCUPANCY_BYTES"
