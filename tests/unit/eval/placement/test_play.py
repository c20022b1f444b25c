from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.placement.arrivals import Schedule
from eval.placement.ledger import Ledger
from eval.placement.play import play
from tests.unit.eval.placement.pieces import Scripted, arrival, cluster_of


def test_who_comes_stays_goes_and_is_refused() -> None:
    cluster = cluster_of("a", "b")
    schedule = Schedule(
        arrivals=(
            arrival("amf", uid="first", at=10.0, until=50.0, max_slowdown=9.0),
            arrival("amf", uid="second", at=20.0, max_slowdown=9.0),
            arrival("amf", uid="third", at=60.0, max_slowdown=9.0),
        ),
        measured_from_seconds=20.0,
        end_seconds=100.0,
    )
    policy = Scripted(["a", "b", None])
    figures = play(schedule, policy, cluster)
    assert policy.seen == ["first on a", "second on b", "first ended"]
    assert (figures.placed, figures.refused) == (2, 1)
    assert figures.nodes_used == pytest.approx((2 * 30 + 1 * 50) / 80)
    assert figures.load == pytest.approx((4 * 30 + 2 * 50) / 80 / 64)
    assert figures.violated == figures.mean_excess == 0.0


def test_a_violated_tolerance_counts_for_as_long_as_it_is_violated() -> None:
    cluster = cluster_of("a")
    schedule = Schedule(
        arrivals=(
            arrival("upf-large", uid="victim", at=10.0, max_slowdown=1.01),
            arrival("batch", uid="noisy", at=40.0, until=70.0, max_slowdown=9.0),
        ),
        measured_from_seconds=10.0,
        end_seconds=110.0,
    )
    figures = play(schedule, Scripted(["a", "a"]), cluster)
    with_noise = cluster_of("a")
    for each in schedule.arrivals:
        with_noise.place(each, "a")
    suffered = with_noise.slowdowns("a")["victim"]
    assert suffered > 1.01
    assert figures.violated == pytest.approx(30 / (100 + 30))
    assert figures.mean_excess == pytest.approx(30 * (suffered / 1.01 - 1.0) / 130)
    assert figures.worst_slowdown == pytest.approx(max(with_noise.slowdowns("a").values()))


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 20.0), st.floats(1.0, 80.0), st.sampled_from(["batch", "amf", "udr"]), st.sampled_from("ab")
        ),
        min_size=1,
        max_size=8,
    ),
    st.floats(0.0, 40.0),
)
def test_time_counts_as_if_looked_at_all_along(
    coming: list[tuple[float, float, str, str]], measured_from: float
) -> None:
    at, arrivals = 0.0, []
    for number, (gap, stay, name, _) in enumerate(coming):
        at += gap
        arrivals.append(arrival(name, uid=f"pod-{number}", at=at, until=at + stay, max_slowdown=1.02))
    schedule = Schedule(arrivals=tuple(arrivals), measured_from_seconds=measured_from, end_seconds=at + 30.0)
    figures = play(schedule, Scripted([node for *_, node in coming]), cluster_of("a", "b"))

    cluster, moments = cluster_of("a", "b"), {measured_from, schedule.end_seconds}
    moments |= {moment for each in arrivals for moment in (each.at_seconds, each.until_seconds)}
    violated = party = occupied = 0.0
    for begin, end in pairwise(sorted(moment for moment in moments if moment <= schedule.end_seconds)):
        for each in arrivals:
            if each.until_seconds == begin:
                cluster.remove(each.uid)
        for each, (*_, node) in zip(arrivals, coming, strict=True):
            if each.at_seconds == begin:
                cluster.place(each, node)
        if begin >= measured_from:
            slowdowns = [value for node in cluster.nodes for value in cluster.slowdowns(node).values()]
            party += (end - begin) * len(slowdowns)
            violated += (end - begin) * sum(value > 1.02 for value in slowdowns)
            occupied += (end - begin) * sum(bool(cluster.parties(node)) for node in cluster.nodes)
    assert figures.violated * party == pytest.approx(violated, abs=1e-6)
    assert figures.pods_per_node * occupied == pytest.approx(party, abs=1e-6)


def test_nothing_counts_before_the_measurement_begins() -> None:
    cluster = cluster_of("a")
    schedule = Schedule(
        arrivals=(
            arrival("upf-large", uid="victim", at=10.0, max_slowdown=1.01),
            arrival("batch", uid="noisy", at=20.0, until=30.0),
        ),
        measured_from_seconds=50.0,
        end_seconds=60.0,
    )
    figures = play(schedule, Scripted(["a", "a"]), cluster)
    assert figures.violated == 0.0
    assert figures.worst_slowdown == pytest.approx(1.0, abs=0.01)
    assert figures.placed == 2


def test_no_time_is_no_division_by_zero() -> None:
    figures = Ledger().figures(cluster_of("a"))
    assert (figures.violated, figures.load, figures.nodes_used) == (0.0, 0.0, 0.0)


def test_residents_that_a_newcomer_takes_beyond_their_tolerance_are_counted_once() -> None:
    cluster = cluster_of("a")
    schedule = Schedule(
        arrivals=(
            arrival("upf-large", uid="victim", at=10.0, max_slowdown=1.01),
            arrival("batch", uid="noisy", at=40.0, max_slowdown=9.0),
            arrival("batch", uid="noisier", at=50.0, max_slowdown=9.0),
        ),
        measured_from_seconds=20.0,
        end_seconds=60.0,
    )
    figures = play(schedule, Scripted(["a", "a", "a"]), cluster)
    assert figures.hurt == 50.0
    assert figures.pods_per_node == pytest.approx((20 * 1 + 10 * 2 + 10 * 3) / 40)


def test_the_99th_percentile_is_what_a_hundredth_of_the_time_exceeds() -> None:
    ledger = Ledger(party_seconds=1000.0, seconds_by_hundredth={110: 985.0, 150: 8.0, 300: 7.0})
    assert ledger.figures(cluster_of("a")).p99_slowdown == 1.5
