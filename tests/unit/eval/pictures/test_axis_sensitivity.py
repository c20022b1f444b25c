from itertools import pairwise

import pytest

from eval.pictures.axis_sensitivity import AxisSensitivity, axis_sensitivity
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.stressor import PRESSED_AXES


@pytest.fixture(scope="module")
def data() -> AxisSensitivity:
    return axis_sensitivity(workloads=WORKLOADS[:5], intensities=(0.0, 0.5, 1.0))


def test_every_pressed_axis_is_shown(data: AxisSensitivity) -> None:
    assert tuple(responses.axis for responses in data.axes) == PRESSED_AXES


def test_every_workload_is_there_from_the_least_to_the_most_sensitive(data: AxisSensitivity) -> None:
    for responses in data.axes:
        at_full = [response.slowdowns[-1] for response in responses.responses]
        assert at_full == sorted(at_full)
        assert at_full[-1] > at_full[0]
        assert {response.workload for response in responses.responses} == {known.name for known in WORKLOADS[:5]}


def test_a_harder_stressor_never_hurts_less(data: AxisSensitivity) -> None:
    for responses in data.axes:
        for response in responses.responses:
            assert all(later > 0.999 * earlier for earlier, later in pairwise(response.slowdowns))


def test_the_median_lies_between_the_extremes(data: AxisSensitivity) -> None:
    for responses in data.axes:
        assert responses.responses[0].slowdowns[-1] <= responses.medians[-1] <= responses.responses[-1].slowdowns[-1]
        assert responses.medians[-1] in {response.slowdowns[-1] for response in responses.responses}
