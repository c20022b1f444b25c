"""Cumulative counters of one node, as the kernel would give them: grouped, multiplexed, now and then misread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.event_table import definition
from agent.sources.groups import GENERAL_COUNTERS, plan_groups
from agent.sources.protocol import CounterBlock
from contracts.events import EVENTS, Base, Pmu, Unit
from eval.testbed.noise import COUNT_NOISE, ROTATION_NOISE, factors
from eval.testbed.offer import EventOffer, Misreading

DoubleArray = NDArray[np.float64]

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


@dataclass(slots=True, kw_only=True)
class _Group:
    """One group over all rows; counts grow, columns as in ``events``."""

    events: tuple[str, ...]
    counts: DoubleArray
    enabled_ns: DoubleArray
    running_ns: DoubleArray


class CounterBank:
    """All groups of one PMU.

    Where there are several groups, the kernel gives each its turn: a group counts for a share of the time only, and
    what it then sees differs from the whole window by a factor that is common to the group.

    Args:
        pmu: who counts.
        instances, domains: of the rows.
        offer: the node's events and odd boxes.
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
        events = frozenset(name for name in offer.events if EVENTS[name].pmu is pmu and _is_cumulative(name))
        rows = len(instances)
        self._groups = [
            _Group(
                events=group,
                counts=np.zeros((rows, len(group))),
                enabled_ns=np.zeros(rows),
                running_ns=np.zeros(rows),
            )
            for group in groups_of(pmu, events, offer.core_counters)
        ]

    def advance(self, rates: Mapping[str, DoubleArray], seconds: float, rng: np.random.Generator) -> None:
        """Count on for some time.

        Args:
            rates: event name to counts a second, one entry a row.
            seconds: above zero.
            rng: for the noise.
        """
        rows = len(self._instances)
        turns = len(self._groups)
        for group in self._groups:
            share = np.full(rows, 1.0)
            seen = np.ones(rows)
            if turns > 1:
                share = np.minimum(factors(rng, ROTATION_NOISE, rows) / turns, 1.0)
                seen = factors(rng, ROTATION_NOISE * (1.0 - 1.0 / turns), rows)
            expected = np.stack([rates[event] for event in group.events], axis=1)
            noise = factors(rng, COUNT_NOISE, (rows, len(group.events)))
            group.counts += self._misread(expected * noise, group.events) * (seconds * share * seen)[:, None]
            group.enabled_ns += seconds * 1e9
            group.running_ns += seconds * 1e9 * share

    def blocks(self, opened: frozenset[str]) -> tuple[CounterBlock, ...]:
        """The groups as they stand, with those columns that were opened."""
        return tuple(self._block(group, opened) for group in self._groups if not opened.isdisjoint(group.events))

    def _block(self, group: _Group, opened: frozenset[str]) -> CounterBlock:
        columns = [index for index, event in enumerate(group.events) if event in opened]
        counts = group.counts[:, columns].astype(np.uint64)
        for row, misreading in self._misreadings.items():
            if misreading is Misreading.STUCK:
                counts[row] = _ALL_ONES
        return CounterBlock(
            pmu=self._pmu,
            events=tuple(group.events[index] for index in columns),
            instances=self._instances,
            domains=self._domains,
            counts=counts,
            enabled_ns=group.enabled_ns.astype(np.uint64),
            running_ns=group.running_ns.astype(np.uint64),
        )

    def _misread(self, counted: DoubleArray, events: Sequence[str]) -> DoubleArray:
        for row, misreading in self._misreadings.items():
            if misreading is Misreading.SILENT:
                counted[row] = 0.0
            elif misreading is Misreading.RACING:
                ticks = [index for index, event in enumerate(events) if EVENTS[event].unit in _CLOCK_UNITS]
                counted[row, ticks] *= _RACING_FACTOR
        return counted


def _is_cumulative(event: str) -> bool:
    return event != "RESCTRL.LLC_OCCUPANCY_BYTES"
