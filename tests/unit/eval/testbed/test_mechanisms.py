"""Cache, memory, DDIO, SMT and clock, each for itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.cache import miss_ratio, shared_cache
from eval.testbed.clock import waiting_share
from eval.testbed.ddio import ring_caps
from eval.testbed.hardware import (
    DDIO_BYTES,
    DRAM_EFFICIENCY,
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    UPI_HOP_NS,
)
from eval.testbed.memory import dram_latency_ns, hop_ns
from eval.testbed.smt import excess_demand

CAPACITY = 100.0
SHARERS = st.lists(st.tuples(st.floats(1e-3, 1e9), st.floats(0.1, 500.0)), min_size=1, max_size=8)


def split(sharers: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    insertions, footprints = (np.array(column) for column in zip(*sharers, strict=True))
    return insertions, footprints, shared_cache(insertions[None, :], footprints, CAPACITY)[0]


@given(SHARERS)
def test_the_cache_is_full_or_everybody_holds_all_of_theirs(sharers: list[tuple[float, float]]) -> None:
    _, footprints, held = split(sharers)
    assert held.sum() == pytest.approx(min(CAPACITY, footprints.sum()), rel=1e-9)
    assert (held <= footprints * (1 + 1e-12)).all()


@given(SHARERS)
def test_those_who_lack_cache_hold_it_in_proportion_to_their_insertions(sharers: list[tuple[float, float]]) -> None:
    insertions, footprints, held = split(sharers)
    short = held < footprints * (1 - 1e-9)
    if short.sum() > 1:
        residence = held[short] / insertions[short]
        assert residence == pytest.approx(np.full(len(residence), residence[0]), rel=1e-6)


@given(st.floats(0.1, 5.0), st.floats(0.0, 0.9), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_more_cache_never_misses_more(steepness: float, compulsory: float, first: float, second: float) -> None:
    held = np.sort([first, second])
    less, more = miss_ratio(held, np.array(1.0), np.array(steepness), np.array(compulsory))
    assert 1.0 >= less >= more >= compulsory - 1e-12


def test_memory_latency_is_flat_then_a_knee_then_a_wall() -> None:
    achievable = DRAM_PEAK_BYTES_PER_SECOND * DRAM_EFFICIENCY
    idle, half, knee, wall = dram_latency_ns(achievable * np.array([0.0, 0.5, 5 / 6, 0.99]))
    assert idle == DRAM_IDLE_NS
    assert half < 1.25 * idle
    assert knee == pytest.approx(DRAM_IDLE_NS + 100.0)
    assert wall > 10 * idle


@given(st.floats(0.0, 2e11), st.floats(0.0, 2e11))
def test_latencies_never_fall_with_traffic(first: float, second: float) -> None:
    traffic = np.sort([first, second])
    assert (np.diff(dram_latency_ns(traffic)) >= 0).all()
    assert (np.diff(hop_ns(traffic)) >= 0).all()
    assert hop_ns(np.array(0.0)) == UPI_HOP_NS


@given(st.lists(st.floats(1.0, 1e8), min_size=1, max_size=6))
def test_rings_share_the_ways_that_devices_allocate_in(rings: list[float]) -> None:
    caps = ring_caps(np.array(rings))
    assert caps.sum() == pytest.approx(min(sum(rings), DDIO_BYTES))
    assert (caps <= np.array(rings) * (1 + 1e-12)).all()


def test_two_busy_threads_ask_for_more_than_a_core_has() -> None:
    assert excess_demand(np.array(0.9), np.array(0.9)) == pytest.approx(0.8, abs=0.01)
    assert excess_demand(np.array(0.2), np.array(0.2)) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(("ratio", "share"), [(0.7, 0.23), (1.0, 0.3), (1.5, 0.39)])
def test_waiting_for_memory_takes_a_larger_share_of_a_faster_clock(ratio: float, share: float) -> None:
    assert waiting_share(np.array(0.3), np.array(ratio)) == pytest.approx(share, abs=0.005)


def test_footprints_that_fill_the_cache_to_the_last_byte_fit_in_any_order() -> None:
    parts = CAPACITY * np.array([0.1, 0.2, 0.3, 0.4])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        footprints = parts[order] * (1.0 + 1e-15)
        held = shared_cache(np.ones((1, 4)), footprints, CAPACITY)[0]
        np.testing.assert_array_equal(held, footprints)
