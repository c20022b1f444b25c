from itertools import pairwise

import numpy as np
import pytest

from eval.pictures.loaded_latency import LoadedLatency, Point, loaded_latency


@pytest.fixture(scope="module")
def data() -> LoadedLatency:
    return loaded_latency((0.05, 0.2, 0.4, 0.6, 0.8, 1.0))


def modelled(model: tuple[Point, ...], bytes_per_second: float) -> float:
    return float(
        np.interp(bytes_per_second, [point.bytes_per_second for point in model], [point.latency_ns for point in model])
    )


def test_it_is_flat_then_a_knee_and_short_of_the_peak(data: LoadedLatency) -> None:
    idle = data.local_model[0].latency_ns
    assert modelled(data.local_model, 0.4 * data.peak) < 1.3 * idle
    assert modelled(data.local_model, 0.95 * data.peak) > 2.0 * idle
    assert all(point.bytes_per_second < data.peak for point in data.local_counted)


def test_latency_never_falls_with_the_stressors_intensity(data: LoadedLatency) -> None:
    for counted in (data.local_counted, data.remote_counted):
        assert all(later.latency_ns > 0.98 * earlier.latency_ns for earlier, later in pairwise(counted))
        assert counted[-1].latency_ns > 1.5 * counted[0].latency_ns


def test_the_counters_say_what_the_mechanism_says(data: LoadedLatency) -> None:
    for model, counted in ((data.local_model, data.local_counted), (data.remote_model, data.remote_counted)):
        below_the_knee = [point for point in counted if point.bytes_per_second < 0.75 * data.peak]
        assert len(below_the_knee) >= 3
        for point in below_the_knee:
            assert point.latency_ns == pytest.approx(modelled(model, point.bytes_per_second), rel=0.06)


def test_the_other_socket_is_further_away_at_every_load(data: LoadedLatency) -> None:
    for near, far in zip(data.local_counted, data.remote_counted, strict=True):
        assert far.latency_ns > near.latency_ns + 40.0
