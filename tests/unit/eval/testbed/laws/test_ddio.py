"""Device writes into the cache, and what leaks past it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.testbed.hardware import ALL_WAYS, DDIO_BYTES, DDIO_MASK, LLC_BYTES, LLC_WAYS
from eval.testbed.scene import Tenant
from tests.unit.eval.testbed.laws.behaviours import BEYOND_CACHE, packets
from tests.unit.eval.testbed.laws.beside import slowdown, solved, tenant


def receiver(rings: float, threads: int = 4) -> Tenant:
    """By default 200 Gb/s, half of what it could do, so that it keeps its packet rate whatever leaks."""
    return replace(tenant(packets(rings=rings), threads), load=0.5)


def test_devices_write_into_the_two_topmost_ways() -> None:
    """The default of IIO_LLC_WAYS is 0x600, "which has 2 set bits", the topmost of eleven ways (aliireza/ddio-bench;
    Farshin et al., "Reexamining Direct Cache Access", USENIX ATC 2020); here the topmost of fifteen."""
    assert f"{DDIO_MASK:0{LLC_WAYS}b}" == "11" + (LLC_WAYS - 2) * "0"
    assert pytest.approx(LLC_BYTES * 2 / 15) == DDIO_BYTES


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4), st.floats(0.05, 0.98))
def test_rings_that_fit_into_the_devices_ways_together_do_not_leak(sizes: list[float], together: float) -> None:
    """Leaky DMA begins where rings in flight exceed these ways (Tootoonchian et al., "ResQ", NSDI 2018)."""
    rings = [together * size / sum(sizes) for size in sizes]
    flows = solved(*(receiver(ring, 2) for ring in rings))
    assert (flows.evicted <= 0.05).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(1.1, 12.0), st.floats(1.1, 12.0))
def test_of_rings_that_exceed_them_what_does_not_fit_leaks(first: float, second: float) -> None:
    """Lines that come round in a ring of R bytes find C / R of them still there."""
    evicted = [float(solved(receiver(ring)).evicted[0]) for ring in sorted((first, second))]
    assert evicted[0] <= evicted[1] + 1e-9
    assert evicted[1] == pytest.approx(1.0 - 1.0 / max(first, second), abs=0.03)


def test_rings_that_fit_one_by_one_leak_together() -> None:
    assert solved(receiver(0.8, 2)).evicted[0] < 0.05
    assert (solved(receiver(0.8, 2), receiver(0.8, 2)).evicted[:2] > 0.3).all()


def test_larger_rings_read_and_write_more_memory_for_the_same_packets() -> None:
    flows = [solved(receiver(ring)) for ring in (0.5, 1.5, 3.0, 6.0)]
    rates = np.array([float(state.rate[0]) for state in flows])
    assert rates == pytest.approx(np.full(len(rates), rates[0]), rel=0.01)
    for column in ("read", "written"):
        assert (np.diff([float(getattr(state, column)[0]) for state in flows]) > 0.0).all(), column


def test_leaking_rings_slow_a_neighbour_without_any_device() -> None:
    """DDIO costs co-runners that do no I/O as much as 32 % of their performance (Yuan et al., "Don't Forget the I/O
    When Allocating Your LLC", ISCA 2021), which is a slowdown of 1.47."""
    assert BEYOND_CACHE.ring_bytes == BEYOND_CACHE.received_lines == BEYOND_CACHE.sent_lines == 0.0
    assert 1.02 < slowdown(tenant(BEYOND_CACHE, 4), receiver(4.0)) < 1.47


def test_a_smaller_ring_at_the_same_packet_rate_takes_that_away() -> None:
    """Careful sizing of buffers (Tootoonchian et al., NSDI 2018)."""
    neighbour = tenant(BEYOND_CACHE, 4)
    large, small = receiver(6.0), receiver(0.4)
    rates = [float(solved(neighbour, ring).rate[1]) for ring in (large, small)]
    assert rates[0] == pytest.approx(rates[1], rel=0.01)
    assert slowdown(neighbour, large) > 1.04
    assert slowdown(neighbour, small) - 1.0 < 0.4 * (slowdown(neighbour, large) - 1.0)


@pytest.mark.parametrize("rings", [1.0, 2.0, 4.0])
def test_rings_hurt_less_who_leaves_the_devices_ways_alone(rings: float) -> None:
    """Yuan et al., ISCA 2021: who shares the devices' ways loses most; each against its own speed without rings."""
    sharing = tenant(BEYOND_CACHE, 4)
    apart = replace(sharing, ways=ALL_WAYS ^ DDIO_MASK)
    assert slowdown(apart, receiver(rings)) < slowdown(sharing, receiver(rings))


def test_cores_that_fill_the_cache_push_packets_out_before_they_are_read() -> None:
    """Cores allocate in the devices' ways as well (Farshin et al., USENIX ATC 2020)."""
    ring, filler = receiver(0.8, 2), tenant(BEYOND_CACHE, 8)
    alone = float(solved(ring).evicted[0])
    assert solved(ring, filler).evicted[0] > alone + 0.02
    apart = replace(filler, ways=ALL_WAYS ^ DDIO_MASK)
    assert solved(ring, apart).evicted[0] == pytest.approx(alone, abs=1e-3)
