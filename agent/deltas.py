"""What one block counted between two readings, row by row, and which rows can be believed."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.ceilings import HIGHEST_CLOCK_PER_SECOND, STUCK_VALUES
from agent.sources.protocol import CountArray, CounterBlock
from agent.sources.unread import is_unread
from contracts.events import EVENTS, Pmu

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

_UNCORE = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})
_TIME_TOLERANCE = 1e-3
"""Running may exceed enabled time by this share: the kernel takes the two a moment apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockDelta:
    """One block over a window.

    Attributes:
        pmu, events: as in the block.
        instances: row names, those of both readings.
        domains: names of the domains that have rows, in order of appearance.
        codes: intp ``(rows,)``, index of each row's domain in ``domains``.
        scaled: float64 ``(rows, events)``, counts scaled by enabled over running time; 0 in rows that are not good.
        good: bool ``(rows,)``, rows that can be believed.
    """

    pmu: Pmu
    events: tuple[str, ...]
    instances: tuple[str, ...]
    domains: tuple[str, ...]
    codes: IndexArray
    scaled: DoubleArray
    good: BoolArray


def block_delta(first: CounterBlock, last: CounterBlock, *, minimum_running_share: float) -> BlockDelta:
    """Subtract two readings of one block.

    A row is good if it is in both readings, was read both times, ran for at least ``minimum_running_share`` of its
    enabled time, and if no counter of it went backwards, is stuck at all ones, or ticks faster than its clock can.
    """
    instances, codes_of, left, right, in_both = _aligned(first, last)
    enabled_before, enabled_after = _rows(first.enabled_ns, left), _rows(last.enabled_ns, right)
    running_before, running_after = _rows(first.running_ns, left), _rows(last.running_ns, right)
    enabled = _difference(enabled_before, enabled_after)
    running = _difference(running_before, running_after)
    before, after = _rows(first.counts, left), _rows(last.counts, right)
    rises = after >= before
    counted = np.where(rises, after - before, 0).astype(np.float64)
    good = (
        in_both
        & ~is_unread(enabled_ns=enabled_before, running_ns=running_before)
        & ~is_unread(enabled_ns=enabled_after, running_ns=running_after)
        & (running > 0)
        & (running >= minimum_running_share * enabled)
        & (running <= enabled * (1 + _TIME_TOLERANCE))
        & rises.all(axis=1)
    )
    if first.pmu in _UNCORE:
        good &= ~_is_stuck(before) & ~_is_stuck(after)
    scale = np.divide(enabled, running, out=np.zeros_like(enabled), where=good)
    scaled = counted * scale[:, None]
    good &= _is_possible(scaled, enabled, first.events)
    scaled[~good] = 0.0
    domains, codes = _domain_codes(codes_of)
    return BlockDelta(
        pmu=first.pmu,
        events=first.events,
        instances=instances,
        domains=domains,
        codes=codes,
        scaled=scaled,
        good=good,
    )


def _rows(values: CountArray, index: IndexArray | None) -> CountArray:
    """Rows of a block, all without an index; zeros where the block has none at all."""
    if index is None:
        return values
    return values[index] if len(values) else np.zeros((len(index), *values.shape[1:]), dtype=np.uint64)


def _difference(first: CountArray, last: CountArray) -> DoubleArray:
    """Elapsed nanoseconds; negative where time went backwards."""
    return (last - first).view(np.int64).astype(np.float64)


def _aligned(
    first: CounterBlock, last: CounterBlock
) -> tuple[tuple[str, ...], tuple[str, ...], IndexArray | None, IndexArray | None, BoolArray]:
    """Rows of either reading: names, domains, where they stand in each if not in their own order, whether in both."""
    if first.instances == last.instances:
        return first.instances, first.domains, None, None, np.ones(len(first.instances), dtype=np.bool_)
    left_of = {name: index for index, name in enumerate(first.instances)}
    right_of = {name: index for index, name in enumerate(last.instances)}
    domain_of = dict(zip(first.instances, first.domains, strict=True)) | dict(
        zip(last.instances, last.domains, strict=True)
    )
    names = tuple(domain_of)
    in_both = np.array([name in left_of and name in right_of for name in names], dtype=np.bool_)
    left = np.array([left_of.get(name, 0) for name in names], dtype=np.intp)
    right = np.array([right_of.get(name, 0) for name in names], dtype=np.intp)
    return names, tuple(domain_of.values()), left, right, in_both


@lru_cache(maxsize=256)
def _domain_codes(domains: tuple[str, ...]) -> tuple[tuple[str, ...], IndexArray]:
    names = tuple(dict.fromkeys(domains))
    index = {name: code for code, name in enumerate(names)}
    return names, np.array([index[name] for name in domains], dtype=np.intp)


def _is_stuck(counts: CountArray) -> BoolArray:
    stuck = np.zeros(counts.shape, dtype=np.bool_)
    for value in STUCK_VALUES:
        stuck |= counts == np.uint64(value)
    return np.asarray(stuck.any(axis=1))


def _is_possible(scaled: DoubleArray, enabled_ns: DoubleArray, events: tuple[str, ...]) -> BoolArray:
    columns, highest_per_ns = _clock_limits(events)
    return np.asarray((scaled[:, columns] <= highest_per_ns * enabled_ns[:, None]).all(axis=1))


@lru_cache(maxsize=256)
def _clock_limits(events: tuple[str, ...]) -> tuple[IndexArray, DoubleArray]:
    """Columns that count bare clocks, and how fast those can tick; other counts are left to the features' ranges."""
    limits = {
        column: HIGHEST_CLOCK_PER_SECOND[powers[0][0]] * 1e-9
        for column, powers in enumerate(EVENTS[name].unit.powers for name in events)
        if len(powers) == 1 and powers[0][1] == 1 and powers[0][0] in HIGHEST_CLOCK_PER_SECOND
    }
    return np.array(list(limits), dtype=np.intp), np.array(list(limits.values()), dtype=np.float64)
