from datetime import UTC, datetime, timedelta

from agent.conditions import conditions_of
from agent.topology import Topology
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
    previous: tuple[Condition, ...] = (),
) -> tuple[Condition, ...]:
    return conditions_of(
        topology=TOPOLOGY,
        coverage=coverage,
        published_vectors=vectors,
        rows_left_out=left_out,
        now=now,
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
