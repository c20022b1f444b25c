"""The three standard conditions of a NodeState."""

from collections.abc import Sequence
from datetime import datetime

from agent.coverage import missing_by_errno
from agent.topology import Topology
from agent.troubles import Trouble
from contracts.nodestate import Condition, ConditionStatus, ConditionType, Coverage

LONGEST_MESSAGE = 256
"""What the contract allows."""
_BETWEEN = "; "


def conditions_of(
    *,
    topology: Topology,
    coverage: Coverage,
    published_vectors: int,
    rows_left_out: int,
    now: datetime,
    troubles: Sequence[Trouble] = (),
    previous: Sequence[Condition] = (),
) -> tuple[Condition, ...]:
    """Ready, Characterised and Degraded; a condition whose status stays keeps its transition time.

    Args:
        topology: which CPU this is.
        coverage: what could be opened.
        published_vectors: of this window.
        rows_left_out: counter rows that the window could not believe.
        now: UTC.
        troubles: what else is amiss with the agent.
        previous: the conditions last published.
    """
    fresh = (
        _ready(published_vectors, now),
        _characterised(topology, now),
        _degraded(coverage, rows_left_out, troubles, now),
    )
    since = {(condition.type, condition.status): condition.last_transition_time for condition in previous}
    return tuple(
        condition.model_copy(update={"last_transition_time": since.get((condition.type, condition.status), now)})
        for condition in fresh
    )


def _ready(published_vectors: int, now: datetime) -> Condition:
    is_ready = published_vectors > 0
    return Condition(
        type=ConditionType.READY,
        status=ConditionStatus.TRUE if is_ready else ConditionStatus.FALSE,
        reason="WindowComplete" if is_ready else "NoWindow",
        message=f"vectors of {published_vectors} domain(s) published"
        if is_ready
        else "no window has been measured yet",
        last_transition_time=now,
    )


def _characterised(topology: Topology, now: datetime) -> Condition:
    cpu = f"{topology.vendor} family {topology.family} model {topology.model} stepping {topology.stepping}"
    known = topology.characterised
    return Condition(
        type=ConditionType.CHARACTERISED,
        status=ConditionStatus.TRUE if known else ConditionStatus.FALSE,
        reason="SapphireRapids" if known else "OtherCpu",
        message=cpu if known else f"{cpu} is not Sapphire Rapids (family 6, model 143): its regime stays unknown",
        last_transition_time=now,
    )


def _degraded(coverage: Coverage, rows_left_out: int, troubles: Sequence[Trouble], now: datetime) -> Condition:
    complaints = {_camel_case(trouble.name): trouble.sentence for trouble in troubles}
    if coverage.opened < coverage.wanted:
        by_errno = ", ".join(f"{count} {errno}" for errno, count in missing_by_errno(coverage).items())
        lacking = coverage.wanted - coverage.opened
        complaints["EventsMissing"] = f"{lacking} of {coverage.wanted} events missing ({by_errno})"
    if rows_left_out:
        complaints["RowsLeftOut"] = f"{rows_left_out} counter rows could not be believed and were left out"
    return Condition(
        type=ConditionType.DEGRADED,
        status=ConditionStatus.TRUE if complaints else ConditionStatus.FALSE,
        reason=next(iter(complaints), "AllWell"),
        message=_together(tuple(complaints.values())) or "every event is counted, every row believed",
        last_transition_time=now,
    )


def _camel_case(name: str) -> str:
    """As conditions want their reasons.

    >>> _camel_case("spool-full")
    'SpoolFull'
    """
    return "".join(part.capitalize() for part in name.split("-"))


def _together(sentences: Sequence[str]) -> str:
    """One message of all, each with its share of the room, so that a long one hides no other."""
    room = LONGEST_MESSAGE - len(_BETWEEN) * max(len(sentences) - 1, 0)
    lengths: dict[int, int] = {}
    for left, (index, sentence) in enumerate(sorted(enumerate(sentences), key=lambda pair: len(pair[1]))):
        lengths[index] = min(len(sentence), room // (len(sentences) - left))
        room -= lengths[index]
    return _BETWEEN.join(_within(sentence, lengths[index]) for index, sentence in enumerate(sentences))


def _within(sentence: str, length: int) -> str:
    return sentence if len(sentence) <= length else sentence[: max(length - 3, 0)] + "..."[:length]
