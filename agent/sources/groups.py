"""Which events count together.

The kernel multiplexes whole groups. Events of one feature belong in one group, so that the scaling cancels in their
quotient; a group takes only what its PMU's counters can hold at one time.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from agent.event_table import SLOTS, EventDefinition
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of

GENERAL_COUNTERS: Mapping[Pmu, int] = {Pmu.CORE: 8, Pmu.CHA: 4, Pmu.IMC: 4, Pmu.UPI: 4, Pmu.IIO: 4}
"""General counters of one Sapphire Rapids core or box (perfmon V1.39, ``Counter``); the core has 8 even with SMT."""


def fits(events: Iterable[EventDefinition], *, counters: int) -> bool:
    """Whether the events can all hold a counter at one time.

    Fixed counters and top-down metrics need none. For the others this is a matching of events to the counters that the
    vendor allows them, found by augmenting paths (Kuhn 1955).

    Args:
        events: distinct events of one PMU.
        counters: how many general counters there are, numbered from 0.
    """
    holder: dict[int, EventDefinition] = {}

    def place(event: EventDefinition, tried: set[int]) -> bool:
        for counter in sorted(event.counters):
            if counter >= counters or counter in tried:
                continue
            tried.add(counter)
            if counter not in holder or place(holder[counter], tried):
                holder[counter] = event
                return True
        return False

    return all(event.is_fixed or place(event, set()) for event in events)


def plan_groups(events: Sequence[EventDefinition], *, counters: int) -> tuple[tuple[str, ...], ...]:
    """Split the events of one PMU into groups that fit.

    Events that share a formula are clustered as long as the cluster fits; clusters, the most demanding first, then
    share groups. Each event is in exactly one group. A group with a top-down metric is led by ``TOPDOWN.SLOTS``.

    Args:
        events: distinct events of one PMU. One that fits on no counter at all is left out.
        counters: general counters, 1 or more.
    """
    offered = {event.name: event for event in events if fits([event], counters=counters)}
    groups: list[tuple[str, ...]] = []
    for cluster in sorted(_clusters(offered, counters=counters), key=lambda names: _demand(names, offered)):
        for index, group in enumerate(groups):
            if fits([offered[name] for name in group + cluster], counters=counters):
                groups[index] = group + cluster
                break
        else:
            groups.append(cluster)
    return tuple(tuple(sorted(group, key=_place_in_group)) for group in groups)


def _clusters(offered: Mapping[str, EventDefinition], *, counters: int) -> list[tuple[str, ...]]:
    clusters: list[tuple[str, ...]] = []
    for formula in formula_events():
        wanted = sorted(formula & offered.keys())
        touched = [cluster for cluster in clusters if not formula.isdisjoint(cluster)]
        united = tuple(dict.fromkeys([*(name for cluster in touched for name in cluster), *wanted]))
        if united and fits([offered[name] for name in united], counters=counters):
            clusters = [cluster for cluster in clusters if cluster not in touched] + [united]
    placed = {name for cluster in clusters for name in cluster}
    return clusters + [(name,) for name in sorted(offered.keys() - placed)]


def _demand(cluster: tuple[str, ...], offered: Mapping[str, EventDefinition]) -> tuple[int, int, str]:
    choosy = sum(1 for name in cluster if 0 < len(offered[name].counters) <= 4)
    return -choosy, -len(cluster), cluster[0]


def _place_in_group(name: str) -> tuple[bool, bool, str]:
    return name != SLOTS, not name.startswith("PERF_METRICS."), name


@cache
def formula_events() -> tuple[frozenset[str], ...]:
    """The countable events of each formula of the contract, in schema order, fallbacks behind their formula."""
    return tuple(
        frozenset(name for name in events_of(node) if EVENTS[name].pmu is not Pmu.NODE)
        for spec in FEATURE_SCHEMA_V1.features
        for node in spec.formulas
    )
