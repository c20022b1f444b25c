import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.errors import EvaluationError
from eval.placement.arrivals import Schedule, draw_schedule
from eval.placement.settings import PlacementSettings
from tests.unit.eval.placement.pieces import arrival

FUNCTIONS = [
    arrival("upf-large", nic=0).demand,
    arrival("upf-small", nic=0).demand,
    arrival("amf").demand,
]
BACKGROUND = [arrival("batch").demand]
CAPACITY = 160
SOME = PlacementSettings(churn=20)


def drawn(seed: int, chosen: PlacementSettings = SOME) -> Schedule:
    return draw_schedule(FUNCTIONS, BACKGROUND, chosen, capacity_cpus=CAPACITY, rng=np.random.default_rng(seed))


def asked_cpus(schedule: Schedule, seconds: float) -> int:
    return sum(each.demand.cpus for each in schedule.arrivals if each.at_seconds <= seconds < each.until_seconds)


@settings(max_examples=25)
@given(st.integers(0, 2**31))
def test_load_is_reached_before_measuring_and_never_exceeded(seed: int) -> None:
    schedule = drawn(seed)
    times = [each.at_seconds for each in schedule.arrivals]
    assert times == sorted(times)
    assert times[0] > PlacementSettings().window_seconds
    assert asked_cpus(schedule, schedule.measured_from_seconds) >= 0.5 * CAPACITY
    assert max(asked_cpus(schedule, seconds) for seconds in times) <= 0.7 * CAPACITY
    assert sum(seconds > schedule.measured_from_seconds for seconds in times) == 20
    assert schedule.end_seconds == times[-1] + PlacementSettings().last_seconds


def test_the_same_seed_gives_the_same_schedule_and_another_another() -> None:
    assert drawn(1) == drawn(1) != drawn(2)


def test_background_comes_as_often_as_stated_and_only_the_user_plane_has_a_card() -> None:
    arrivals = drawn(3, PlacementSettings(churn=400, gap_seconds=80.0, most_load=1.0)).arrivals
    names = [each.demand.workload.name for each in arrivals]
    assert 0.22 < names.count("batch") / len(names) < 0.38
    assert 0.7 < names.count("amf") / (names.count("upf-large") + names.count("upf-small")) < 1.4
    assert {each.nic for each in arrivals if each.demand.needs_nic} == {0, 1}
    assert {each.nic for each in arrivals if not each.demand.needs_nic} == {None}
    assert len({each.uid for each in arrivals}) == len(arrivals)


def test_a_load_that_is_never_reached_is_refused() -> None:
    fleeting = PlacementSettings(stay_seconds=1.0, background_stay_seconds=1.0)
    with pytest.raises(EvaluationError, match="arrivals never held 50 % of 160 CPUs at once"):
        drawn(1, fleeting)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": 1}, "two parts"),
        ({"load": 0.8, "most_load": 0.7}, "load 0.8, at most 0.7"),
        ({"background_share": 1.0}, "some network functions"),
        ({"churn": 0}, "nothing arrives"),
        ({"window_seconds": 0.0}, "time stands still"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        PlacementSettings(**changes)  # type: ignore[arg-type]
