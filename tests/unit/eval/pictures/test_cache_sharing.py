from itertools import pairwise

import numpy as np
import pytest

from eval.pictures.cache_sharing import PRESSER_MASK, VICTIM_MASK, CacheSharing, cache_sharing
from eval.testbed.hardware import ALL_WAYS, LLC_BYTES, LLC_WAYS


@pytest.fixture(scope="module")
def data() -> CacheSharing:
    return cache_sharing((0.0, 0.25, 0.5, 0.75, 1.0))


def test_more_cache_never_misses_more(data: CacheSharing) -> None:
    for curve in data.curves:
        assert all(later <= earlier for earlier, later in pairwise(curve.miss_ratios))


def test_the_curves_are_in_the_order_of_their_steepness(data: CacheSharing) -> None:
    steepness = [curve.steepness for curve in data.curves]
    assert steepness == sorted(steepness)
    assert steepness[0] < 1.0 < steepness[-1]


def test_who_presses_harder_holds_more_at_the_others_cost(data: CacheSharing) -> None:
    for earlier, later in pairwise(data.free):
        assert later.presser_bytes > earlier.presser_bytes
        assert later.victim_bytes <= 1.001 * earlier.victim_bytes
        assert later.victim_bytes + later.presser_bytes <= 1.001 * LLC_BYTES
    assert data.free[-1].victim_bytes < 0.7 * data.free[0].victim_bytes


def test_the_equilibria_lie_on_the_victims_curve(data: CacheSharing) -> None:
    (curve,) = (curve for curve in data.curves if curve.name == data.victim)
    for share in data.free:
        on_the_curve = np.interp(share.victim_bytes, curve.held_bytes, curve.miss_ratios)
        assert share.miss_ratio == pytest.approx(on_the_curve, abs=0.02)


def test_masks_that_do_not_overlap_protect(data: CacheSharing) -> None:
    assert VICTIM_MASK & PRESSER_MASK == 0
    assert VICTIM_MASK | PRESSER_MASK == ALL_WAYS
    capacity = LLC_BYTES * PRESSER_MASK.bit_count() / LLC_WAYS
    for share in data.split:
        assert share.presser_bytes <= 1.001 * capacity
        assert share.victim_bytes > 0.95 * data.split[0].victim_bytes
    assert data.split[-1].slowdown - 1.0 < 0.3 * (data.free[-1].slowdown - 1.0)


def test_what_masks_leave_is_lost_in_the_devices_ways(data: CacheSharing) -> None:
    assert data.apart[-1].slowdown < 1.02 < data.split[-1].slowdown
