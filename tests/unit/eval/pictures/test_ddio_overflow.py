from itertools import pairwise

import pytest

from eval.pictures.ddio_overflow import DdioOverflow, ddio_overflow
from eval.testbed.catalogue import workload
from eval.testbed.hardware import DDIO_BYTES


@pytest.fixture(scope="module")
def data() -> DdioOverflow:
    return ddio_overflow([DDIO_BYTES * times for times in (0.1, 0.5, 1.0, 2.0, 8.0)], windows=4)


def test_rings_within_the_ways_hardly_miss_and_far_beyond_mostly(data: DdioOverflow) -> None:
    assert data.overflows[0].write_misses < 0.1
    assert data.overflows[-1].write_misses > 0.6


def test_what_leaks_goes_through_memory(data: DdioOverflow) -> None:
    for earlier, later in pairwise(data.overflows):
        assert later.write_misses > earlier.write_misses
        assert later.bytes_per_second > 0.98 * earlier.bytes_per_second
    assert data.overflows[-1].bytes_per_second > 1.3 * data.overflows[0].bytes_per_second


def test_a_neighbour_without_any_input_or_output_pays(data: DdioOverflow) -> None:
    victim = workload(data.victim).behaviour
    assert (victim.received_lines, victim.sent_lines, victim.ring_bytes) == (0.0, 0.0, 0.0)
    assert all(later.slowdown > earlier.slowdown for earlier, later in pairwise(data.overflows))
