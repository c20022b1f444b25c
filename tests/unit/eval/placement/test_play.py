import pytest

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
