"""Formulas over several blocks: each compares the rows for which all of its blocks can answer.

Where one formula's events did not fit into one group, a CPU may be good in one block and starved, isolated or gone in
the other. Summed block by block, a quotient would then compare different CPUs.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from agent.deltas import BlockDelta, DoubleArray
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema
from contracts.formula import events_of

WINDOW_SECONDS = "NODE.WINDOW_SECONDS"

Events = frozenset[str]
Group = tuple[str, ...]
"""The events of one block; two blocks of one group differ in their rows."""


@lru_cache(maxsize=8)
def formulas_of(schema: FeatureSchema) -> tuple[tuple[Events, ...], ...]:
    """The events of each feature's formulas, in schema order, fallbacks behind their formula."""
    return tuple(tuple(events_of(node) for node in spec.formulas) for spec in schema.features)


@lru_cache(maxsize=1)
def absolute_events() -> Events:
    """Events that some formula sets against elapsed time."""
    timed = (events for formulas in formulas_of(FEATURE_SCHEMA_V1) for events in formulas if WINDOW_SECONDS in events)
    return frozenset(name for events in timed for name in events if not name.startswith("NODE."))


def counts_on_common_rows(
    deltas: Sequence[BlockDelta], schema: FeatureSchema = FEATURE_SCHEMA_V1
) -> dict[str, dict[Events, dict[str, float]]]:
    """What the formulas that need it are to be computed from, instead of each block's own sums.

    Args:
        deltas: all blocks over one window.
        schema: whose formulas.

    Returns:
        Domain to the events of a formula to their counts over the rows that are good in all of its blocks; NaN for all
        of them where no row is. Nothing for formulas whose blocks have the same good rows anyway, and nothing for those
        of absolute events, which need every row of their blocks.
    """
    groups: dict[Group, list[BlockDelta]] = {}
    for delta in deltas:
        groups.setdefault(delta.events, []).append(delta)
    corrected: dict[str, dict[Events, dict[str, float]]] = {}
    good_rows: dict[Group, dict[str, dict[str, DoubleArray]]] = {}
    for events, needed in _formulas_over_several(tuple(groups), schema):
        if _have_the_same_rows([groups[group] for group in needed]):
            continue
        for group in needed:
            good_rows.setdefault(group, _good_rows(groups[group]))
        for domain in {domain for group in needed for domain in good_rows[group]}:
            rows = {group: good_rows[group].get(domain, {}) for group in needed}
            corrected.setdefault(domain, {})[events] = _sums(events, rows)
    return corrected


@lru_cache(maxsize=64)
def _formulas_over_several(
    groups: tuple[Group, ...], schema: FeatureSchema
) -> tuple[tuple[Events, tuple[Group, ...]], ...]:
    every = dict.fromkeys(events for formulas in formulas_of(schema) for events in formulas)
    needed = {events: tuple(group for group in groups if not events.isdisjoint(group)) for events in every}
    return tuple(
        (events, own) for events, own in needed.items() if len(own) > 1 and events.isdisjoint(absolute_events())
    )


def _have_the_same_rows(groups: Sequence[Sequence[BlockDelta]]) -> bool:
    first, *others = ([delta.instances for delta in deltas] for deltas in groups)
    return all(other == first for other in others) and all(delta.good.all() for deltas in groups for delta in deltas)


def _good_rows(deltas: Sequence[BlockDelta]) -> dict[str, dict[str, DoubleArray]]:
    """Domain to instance to the scaled counts of its row."""
    rows: dict[str, dict[str, DoubleArray]] = {}
    for delta in deltas:
        for instance, code, scaled, good in zip(
            delta.instances, delta.codes.tolist(), delta.scaled, delta.good.tolist(), strict=True
        ):
            if good:
                rows.setdefault(delta.domains[code], {})[instance] = scaled
    return rows


def _sums(events: Events, rows: Mapping[Group, Mapping[str, DoubleArray]]) -> dict[str, float]:
    common = set.intersection(*(set(own) for own in rows.values()))
    return dict(_columns(events, rows, common))


def _columns(
    events: Events, rows: Mapping[Group, Mapping[str, DoubleArray]], common: set[str]
) -> Iterator[tuple[str, float]]:
    for group, own in rows.items():
        for column, name in enumerate(group):
            if name in events:
                yield name, math.fsum(own[instance][column] for instance in common) if common else math.nan
