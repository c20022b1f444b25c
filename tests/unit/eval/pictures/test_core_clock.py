import pytest

from contracts.clock import ClockClass
from contracts.features import FEATURE_SCHEMA_V1
from eval.pictures.core_clock import FAST, SLOW, CoreClock, core_clock

LEFT_ALONE = {ClockClass.FREE, ClockClass.UNCORE}


@pytest.fixture(scope="module")
def data() -> CoreClock:
    return core_clock(windows=3)


def test_the_refused_one_is_the_clock_itself(data: CoreClock) -> None:
    assert (data.refused.slow, data.refused.fast) == pytest.approx((SLOW, FAST), rel=0.01)


def test_what_is_counted_without_the_cores_clock_stays(data: CoreClock) -> None:
    for moved in data.features:
        if moved.clock in LEFT_ALONE:
            assert (moved.slow, moved.fast) == pytest.approx((1.0, 1.0), abs=0.01), moved.feature


def test_shares_of_core_time_move_though_less_than_the_clock(data: CoreClock) -> None:
    assert max(moved.most for moved in data.features) > 0.03
    assert all(moved.most < data.refused.most for moved in data.features)


def test_nearly_every_feature_is_shown_under_the_class_that_the_contract_gives_it(data: CoreClock) -> None:
    classes = {spec.name: spec.clock for spec in FEATURE_SCHEMA_V1.features}
    assert {moved.feature: moved.clock for moved in data.features}.items() <= classes.items()
    assert len(data.features) >= len(classes) - 3
