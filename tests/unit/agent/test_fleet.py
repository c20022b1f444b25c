"""Five thousand agents on simulated time: what the API server must bear, and how soon a dead agent is known."""

from collections import Counter

import pytest

from agent.announcement import LONGEST_WAIT_SECONDS
from agent.pacing import Reason
from tests.bench.fleet import (
    FIRST_WINDOW_SECONDS,
    HEARTBEAT_SECONDS,
    NODES,
    STALE_AFTER_SECONDS,
    WINDOW_SECONDS,
    Fleet,
    FleetRecord,
    Outage,
    quiet_states,
    rates,
    simulate,
)

MINUTES = 6
FIRSTS_ARE_OVER_SECONDS = 10.0
QUIET = Fleet(
    name="all started within a second, some die",
    states=quiet_states(1),
    duration_seconds=60.0 * MINUTES,
    dying=500,
    seed=7,
)


@pytest.fixture(scope="module")
def quiet() -> FleetRecord:
    return simulate(QUIET)


def test_every_node_is_known_within_two_seconds_of_its_start(quiet: FleetRecord) -> None:
    assert quiet.reasons[Reason.FIRST] == NODES
    assert sorted(quiet.writes)[NODES - 1] <= QUIET.start_seconds + FIRST_WINDOW_SECONDS


def test_quiet_agents_write_no_more_than_fifty_times_a_second(quiet: FleetRecord) -> None:
    """In every ten seconds after the start, though all nodes started in the same one."""
    found = rates(
        quiet.writes,
        bin_seconds=10.0,
        begins_seconds=FIRSTS_ARE_OVER_SECONDS,
        ends_seconds=QUIET.duration_seconds,
    )
    assert len(found) == 6 * MINUTES - 1
    assert found.max() <= 50.0
    assert found.mean() <= 1.05 * NODES / HEARTBEAT_SECONDS


def test_nearly_all_that_a_quiet_node_writes_is_its_beat(quiet: FleetRecord) -> None:
    rest = Counter(quiet.reasons) - Counter({Reason.FIRST: NODES})
    assert rest[Reason.HEARTBEAT] > 0.98 * rest.total()


def test_a_dead_agent_is_stale_in_time_and_a_living_one_never(quiet: FleetRecord) -> None:
    assert 0.0 < quiet.unnoticed_seconds <= STALE_AFTER_SECONDS
    assert quiet.oldest_seconds <= HEARTBEAT_SECONDS + WINDOW_SECONDS + 1.0
    assert quiet.oldest_seconds + HEARTBEAT_SECONDS < STALE_AFTER_SECONDS, "one beat may be lost whole"


def test_after_an_outage_the_fleet_comes_back_apart_and_soon() -> None:
    """A tenth of the fleet, for time's sake; the wanted rate is twice the usual one of so many nodes."""
    nodes, outage = NODES // 10, Outage(begins_seconds=200.0, ends_seconds=500.0)
    record = simulate(
        Fleet(name="outage", states=quiet_states(1), nodes=nodes, duration_seconds=800.0, outage=outage, seed=7)
    )
    back = rates(
        record.writes, bin_seconds=10.0, begins_seconds=outage.ends_seconds, ends_seconds=outage.ends_seconds + 300.0
    )
    usual = nodes / HEARTBEAT_SECONDS
    assert back.max() <= 3.0 * usual
    assert back[-10:].max() <= 2.0 * usual, "and beats as before"
    assert 0.0 < record.recovered_seconds <= LONGEST_WAIT_SECONDS + WINDOW_SECONDS
    asked = rates(record.failures, bin_seconds=10.0, begins_seconds=400.0, ends_seconds=500.0)
    assert asked.max() <= 3.0 * usual, "nor do they storm a server that is away"
