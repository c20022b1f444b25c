"""From two readings to one feature vector a domain."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agent.common_rows import WINDOW_SECONDS, Events, absolute_events, counts_on_common_rows, formulas_of
from agent.deltas import BlockDelta, block_delta
from agent.empty_channels import without_empty_channels
from agent.errors import WindowError
from agent.sources.protocol import CounterBlock, Reading
from agent.topology import Topology
from contracts.events import Pmu
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema, FeatureSpec
from contracts.vector import FeatureVector, FloatArray, from_counts

MINIMUM_RUNNING_SHARE = 0.05
"""A group that was on the hardware for less than a twentieth of the window says too little."""


def domain_counts(
    first: Reading,
    last: Reading,
    *,
    topology: Topology,
    minimum_running_share: float = MINIMUM_RUNNING_SHARE,
) -> dict[str, dict[str, float]]:
    """Counts over the window, summed over each domain's instances.

    Each row is scaled by its enabled over its running time before summing. What cannot be believed is left out so that
    quotients stay right:

    - A row that is in one reading only, was not read, ran for too small a share, or has a counter that went backwards,
      is stuck at all ones or ticks impossibly fast, is left out *whole*, for every event of its block: numerator and
      denominator then cover the same instances.
    - Events that a formula sets against elapsed time (IIO and resctrl bytes) have no quotient that would cancel: a sum
      short of one instance would read as less load than there is. There the whole block is missing for the domain.
    - An event without any good row in a domain is absent for it, never zero.

    Args:
        first, last: readings of the same sources, in the order of time.
        topology: the domains; rows of others are ignored.
        minimum_running_share: 0 to 1.

    Returns:
        For every domain of the topology: event name to scaled count (>= 0), gauges as of the last reading, the domain's
        ceilings, and ``NODE.WINDOW_SECONDS``.

    Raises:
        WindowError: ``last`` is not later than ``first``.
    """
    deltas = window_deltas(first, last, minimum_running_share=minimum_running_share)
    return _counts(deltas, last, length_ns=_elapsed_ns(first, last), topology=topology)


def vectors_between(
    first: Reading,
    last: Reading,
    *,
    node: str,
    topology: Topology,
    minimum_running_share: float = MINIMUM_RUNNING_SHARE,
    schema: FeatureSchema = FEATURE_SCHEMA_V1,
    deltas: Sequence[BlockDelta] | None = None,
) -> tuple[FeatureVector, ...]:
    """One vector a domain, in the topology's order.

    Where the blocks of one formula lack different rows, the feature is computed from the rows that all of them
    have, and is missing where there is none.

    The window ends when the last reading's wall clock says so, and begins its monotonic length before: a wall clock
    that steps meanwhile makes it no longer and no shorter.

    Args:
        first, last, topology, minimum_running_share: as in ``domain_counts``.
        node: the node's name.
        schema: what to compute.
        deltas: of ``window_deltas``, where they are known already.

    Raises:
        WindowError: ``last`` is not later than ``first``.
    """
    length_ns = _elapsed_ns(first, last)
    if deltas is None:
        deltas = window_deltas(first, last, minimum_running_share=minimum_running_share)
    counts = _counts(deltas, last, length_ns=length_ns, topology=topology)
    corrected = counts_on_common_rows(deltas, schema)
    return tuple(
        FeatureVector(
            node=node,
            domain=domain.name,
            window_start_ns=last.wall_ns - length_ns,
            window_length_ns=length_ns,
            values=_values(counts[domain.name], corrected.get(domain.name, {}), schema),
            schema=schema,
        )
        for domain in topology.domains
    )


def window_deltas(first: Reading, last: Reading, *, minimum_running_share: float) -> tuple[BlockDelta, ...]:
    """Every block over the window, rows that can't be believed marked; blocks of one reading only are all bad."""
    before, after = _by_key(first.blocks), _by_key(last.blocks)
    return tuple(
        without_empty_channels(
            block_delta(
                before.get(key) or _empty(block),
                after.get(key) or _empty(block),
                minimum_running_share=minimum_running_share,
            )
        )
        for key, block in (before | after).items()
    )


def rows_left_out(
    first: Reading,
    last: Reading,
    *,
    minimum_running_share: float = MINIMUM_RUNNING_SHARE,
    deltas: Sequence[BlockDelta] | None = None,
) -> int:
    """How many rows the window had to leave out: misread boxes, starved groups, vanished CPUs.

    Blocks of one reading only do not count: their source did not mean them for this window.

    Args:
        first, last, minimum_running_share: as in ``domain_counts``.
        deltas: of ``window_deltas``, where they are known already.
    """
    if deltas is None:
        deltas = window_deltas(first, last, minimum_running_share=minimum_running_share)
    before, after = _by_key(first.blocks), _by_key(last.blocks)
    return sum(
        int(np.count_nonzero(~delta.good))
        for key, delta in zip(before | after, deltas, strict=True)
        if key in before and key in after
    )


def _elapsed_ns(first: Reading, last: Reading) -> int:
    elapsed_ns = last.monotonic_ns - first.monotonic_ns
    if elapsed_ns <= 0:
        raise WindowError(
            f"the last reading is {elapsed_ns} ns after the first: give two readings in the order of time"
        )
    return elapsed_ns


BlockKey = tuple[Pmu, tuple[str, ...], int]


def _by_key(blocks: Sequence[CounterBlock]) -> dict[BlockKey, CounterBlock]:
    """Blocks by PMU, events, and how many like it came before."""
    keyed: dict[BlockKey, CounterBlock] = {}
    for block in blocks:
        earlier = 0
        while (block.pmu, block.events, earlier) in keyed:
            earlier += 1
        keyed[block.pmu, block.events, earlier] = block
    return keyed


def _empty(block: CounterBlock) -> CounterBlock:
    return CounterBlock(
        pmu=block.pmu,
        events=block.events,
        instances=(),
        domains=(),
        counts=block.counts[:0],
        enabled_ns=block.enabled_ns[:0],
        running_ns=block.running_ns[:0],
    )


def _counts(
    deltas: Sequence[BlockDelta], last: Reading, *, length_ns: int, topology: Topology
) -> dict[str, dict[str, float]]:
    counts: dict[str, dict[str, float]] = {
        domain.name: dict(domain.ceilings) | {WINDOW_SECONDS: length_ns * 1e-9} for domain in topology.domains
    }
    for delta in deltas:
        _add_block(counts, delta)
    for name, gauges in last.gauges.items():
        if name in counts:
            counts[name].update(gauges)
    return counts


def _values(
    counts: Mapping[str, float], corrected: Mapping[Events, Mapping[str, float]], schema: FeatureSchema
) -> FloatArray:
    if not corrected:
        return from_counts(counts, schema)
    values = [
        _value(spec, counts, corrected, formulas)
        for spec, formulas in zip(schema.features, formulas_of(schema), strict=True)
    ]
    return np.array(values, dtype=np.float32)


def _value(
    spec: FeatureSpec,
    counts: Mapping[str, float],
    corrected: Mapping[Events, Mapping[str, float]],
    formulas: Sequence[Events],
) -> float:
    """One feature by the first formula whose events were all counted, each formula from its own counts."""
    for events in formulas:
        known = {name: counts[name] for name in events & counts.keys()} | dict(corrected.get(events, {}))
        if len(known) == len(events) and not any(math.isnan(count) for count in known.values()):
            return spec.value(known)
    return math.nan


def _add_block(counts: Mapping[str, dict[str, float]], delta: BlockDelta) -> None:
    number = len(delta.domains)
    kept = np.bincount(delta.codes, weights=delta.good, minlength=number)
    needed = np.bincount(delta.codes, minlength=number) if absolute_events() & set(delta.events) else 1
    complete = kept >= needed
    in_domain = (delta.codes == np.arange(number)[:, None]) & delta.good
    sums = in_domain.astype(np.float64) @ delta.scaled
    for index, domain in enumerate(delta.domains):
        if domain in counts and complete[index]:
            own = counts[domain]
            for event, value in zip(delta.events, sums[index].tolist(), strict=True):
                own[event] = own.get(event, 0.0) + value
