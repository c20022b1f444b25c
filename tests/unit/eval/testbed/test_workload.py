from collections import Counter

import pytest

from contracts.axis import Axis
from contracts.slowdown import IndicatorKind
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import WORKLOADS, workload


def test_twelve_workloads_in_ten_groups_two_of_them_of_two() -> None:
    assert len({known.name for known in WORKLOADS}) == 12
    groups = Counter(known.group for known in WORKLOADS)
    assert len(groups) == 10
    assert sorted(groups.values())[-3:] == [1, 2, 2]


def test_the_workloads_of_the_schedulers_requests_exist() -> None:
    for name in ("upf-large", "firewall", "batch"):
        assert workload(name).name == name


def test_indicators_are_throughput_or_latency_and_both_occur_in_poll_mode() -> None:
    polling = {known.indicator for known in WORKLOADS if known.polls}
    assert polling == {IndicatorKind.THROUGHPUT, IndicatorKind.LATENCY_P99}


def test_latency_is_measured_below_saturation() -> None:
    for known in WORKLOADS:
        if known.indicator is not IndicatorKind.THROUGHPUT:
            assert known.load is not None
            assert known.load < 0.5


def test_a_socket_takes_any_workload_twice() -> None:
    assert all(2 * known.exclusive_cores <= CORES_PER_SOCKET for known in WORKLOADS)


def test_an_unknown_workload_is_told_with_those_that_exist() -> None:
    with pytest.raises(TestbedError, match="no workload is called 'upf': there are upf-large, upf-small, firewall"):
        workload("upf")


def test_three_axes_have_a_stressor() -> None:
    assert PRESSED_AXES == (Axis.LLC, Axis.MEMBW, Axis.SMT)
    with pytest.raises(TestbedError, match="no stressor presses tlb: there are llc, membw, smt"):
        Stressor(axis=Axis.TLB, intensity=0.5)


@pytest.mark.parametrize("intensity", [-0.1, 1.1, float("nan")])
def test_an_intensity_lies_between_zero_and_one(intensity: float) -> None:
    with pytest.raises(TestbedError, match="0 to 1 is meant"):
        Stressor(axis=Axis.LLC, intensity=intensity)


def test_a_stressor_is_named_by_axis_and_intensity() -> None:
    assert Stressor(axis=Axis.MEMBW, intensity=0.25).name == "stressor-membw-025"
