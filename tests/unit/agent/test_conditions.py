from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.conditions import LONGEST_MESSAGE, conditions_of
from agent.topology import Topology
from agent.troubles import Trouble
from contracts.nodestate import Condition, ConditionStatus, ConditionType, Coverage, MissingEvents

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOPOLOGY = Topology(vendor="AuthenticAMD", family=25, model=1, stepping=1, smt=True, domains=())
WHOLE = Coverage(wanted=2, opened=2)


def conditions(
    *,
    now: datetime = NOW,
    vectors: int = 1,
    left_out: int = 0,
    coverage: Coverage = WHOLE,
    troubles: Sequence[Trouble] = (),
    previous: tuple[Condition, ...] = (),
) -> tuple[Condition, ...]:
    return conditions_of(
        topology=TOPOLOGY,
        coverage=coverage,
        published_vectors=vectors,
        rows_left_out=left_out,
        now=now,
        troubles=troubles,
        previous=previous,
    )


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    before = conditions()
    later = NOW + timedelta(minutes=1)
    same = conditions(now=later, previous=before)
    assert {condition.last_transition_time for condition in same} == {NOW}
    times = {
        condition.type: condition.last_transition_time for condition in conditions(now=later, vectors=0, previous=same)
    }
    assert times[ConditionType.READY] == later
    assert times[ConditionType.CHARACTERISED] == NOW


def test_what_degrades_a_node_is_told_with_figures() -> None:
    missing = MissingEvents(errno="ENOENT", reason="not here", events=("TOPDOWN.SLOTS",))
    degraded = conditions(coverage=Coverage(wanted=2, opened=1, missing=(missing,)), left_out=3)[-1]
    assert (degraded.type, degraded.status, degraded.reason) == (
        ConditionType.DEGRADED,
        ConditionStatus.TRUE,
        "EventsMissing",
    )
    assert "1 of 2 events missing (1 ENOENT)" in degraded.message
    assert "3 counter rows" in degraded.message
    assert conditions(left_out=3)[-1].reason == "RowsLeftOut"
    assert conditions()[-1].status is ConditionStatus.FALSE


def test_troubles_degrade_a_node_and_give_the_reason() -> None:
    degraded = conditions(troubles=[Trouble(name="spool-unwritable", sentence="the disk is full")], left_out=1)[-1]
    assert degraded.status is ConditionStatus.TRUE
    assert degraded.reason == "SpoolUnwritable"
    assert degraded.message == "the disk is full; 1 counter rows could not be believed and were left out"


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters=";"), min_size=1, max_size=300), max_size=20))
def test_every_trouble_has_a_share_of_the_message(sentences: list[str]) -> None:
    troubles = [Trouble(name=f"trouble-{index}", sentence=sentence) for index, sentence in enumerate(sentences)]
    message = conditions(troubles=troubles)[-1].message
    assert len(message) <= LONGEST_MESSAGE
    parts = message.split("; ")
    if sentences:
        assert len(parts) == len(sentences)
        for part, sentence in zip(parts, sentences, strict=True):
            assert sentence.startswith(part.removesuffix("...")) or part in {".", "..", "..."}
    if len("; ".join(sentences)) <= LONGEST_MESSAGE and sentences:
        assert message == "; ".join(sentences)
