"""How many of the contract's events this node counts, and why it does not count the others."""

from collections.abc import Iterable, Sequence

from agent.sources.protocol import Opened
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Coverage, MissingEvents

MAXIMUM_GROUPS = 8
MAXIMUM_REASON = 160
_UNSERVED = ("ENODATA", "no source serves it: its event group is switched off in the settings")


def wanted_events() -> frozenset[str]:
    """The contract's events that something counts; ceilings (``NODE.*``) are known, not counted."""
    return frozenset(name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu is not Pmu.NODE)


def coverage_of(opened: Iterable[Opened]) -> Coverage:
    """Sum the sources' answers up, missing events grouped by errno and reason, the largest group first.

    Args:
        opened: one a source.
    """
    answers = tuple(opened)
    wanted = wanted_events()
    counted = wanted & frozenset[str]().union(*(answer.events for answer in answers))
    reasons = {entry.event: (entry.errno, _shortened(entry.reason)) for answer in answers for entry in answer.missing}
    groups: dict[tuple[str, str], list[str]] = {}
    for event in sorted(wanted - counted):
        groups.setdefault(reasons.get(event, _UNSERVED), []).append(event)
    return Coverage(wanted=len(wanted), opened=len(counted), missing=_at_most(groups, MAXIMUM_GROUPS))


def missing_by_errno(coverage: Coverage) -> dict[str, int]:
    """How many events each errno stands for, the most frequent first."""
    totals: dict[str, int] = {}
    for group in coverage.missing:
        totals[group.errno] = totals.get(group.errno, 0) + len(group.events)
    return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def _at_most(groups: dict[tuple[str, str], list[str]], limit: int) -> tuple[MissingEvents, ...]:
    """The largest groups as they are, the rest pooled under the errno and reason of the largest of them."""
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    kept, rest = (ranked, []) if len(ranked) <= limit else (ranked[: limit - 1], ranked[limit - 1 :])
    missing = [_group(errno, reason, events) for (errno, reason), events in kept]
    if rest:
        (errno, reason), _ = rest[0]
        pooled = [event for _, events in rest for event in events]
        missing.append(_group(errno, _shortened(f"several reasons, the first: {reason}"), pooled))
    return tuple(missing)


def _group(errno: str, reason: str, events: Sequence[str]) -> MissingEvents:
    return MissingEvents(errno=errno, reason=reason, events=tuple(sorted(events)))


def _shortened(reason: str) -> str:
    return reason if len(reason) <= MAXIMUM_REASON else reason[: MAXIMUM_REASON - 3] + "..."
