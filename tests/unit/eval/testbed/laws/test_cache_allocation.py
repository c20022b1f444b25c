"""Cache allocation by ways (Intel CAT)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.behaviour import Behaviour
from eval.testbed.errors import TestbedError
from eval.testbed.hardware import ALL_WAYS, DDIO_BYTES, DDIO_MASK, LLC_BYTES, LLC_WAYS
from eval.testbed.ways import parts_of, refuse_bad_mask
from tests.unit.eval.testbed.laws.behaviours import CACHE_TAKER, CACHED, STREAMS, UNCACHED
from tests.unit.eval.testbed.laws.beside import slowdown, solved, tenant

MASKS = st.tuples(st.integers(0, LLC_WAYS - 1), st.integers(0, LLC_WAYS - 1)).map(
    lambda ends: (2 << max(ends)) - (1 << min(ends))
)
VICTIMS_WAYS = 0b111111
"""Twelve MiB of thirty: more than ``CACHED`` goes back to."""
OTHERS_WAYS = ALL_WAYS ^ VICTIMS_WAYS


def loss(victim: Behaviour, aggressor: Behaviour, threads: int) -> float:
    return slowdown(tenant(victim, 2), tenant(aggressor, threads)) - 1.0


def loss_apart(victim: Behaviour, aggressor: Behaviour, threads: int) -> float:
    """The same where the two allocate in ways of their own."""
    return (
        slowdown(replace(tenant(victim, 2), ways=VICTIMS_WAYS), replace(tenant(aggressor, threads), ways=OTHERS_WAYS))
        - 1.0
    )


@pytest.mark.parametrize("mask", [0x3, 0x6, 0xC, 0x1, 1 << (LLC_WAYS - 1), ALL_WAYS])
def test_ways_that_lie_beside_one_another_are_a_mask(mask: int) -> None:
    """The Linux kernel's resctrl documentation: "0x3, 0x6 and 0xC are legal"."""
    assert refuse_bad_mask(mask) == mask


@pytest.mark.parametrize("mask", [0x5, 0x9, 0xA, 0x0, -1, 1 << LLC_WAYS, ALL_WAYS ^ 0b10])
def test_masks_with_gaps_without_ways_or_with_too_many_are_refused(mask: int) -> None:
    """Ibid.: "Intel hardware requires that these masks have all the '1' bits in a contiguous block ... 0x5, 0x9 and 0xA
    are not"."""
    with pytest.raises(TestbedError, match=r"is no mask over 15 ways: one way or more, all beside one another"):
        refuse_bad_mask(mask)


@given(st.integers(1, ALL_WAYS))
def test_a_mask_is_refused_exactly_where_its_bits_have_a_gap(mask: int) -> None:
    one_block = "0" not in f"{mask:b}".strip("0")
    if one_block:
        assert refuse_bad_mask(mask) == mask
    else:
        with pytest.raises(TestbedError):
            refuse_bad_mask(mask)


@given(st.lists(MASKS, min_size=1, max_size=6))
def test_parts_are_the_ways_that_somebody_may_use_and_everybody_spreads_over_theirs(masks: list[int]) -> None:
    parts = parts_of(masks)
    used = int(np.bitwise_or.reduce(masks)).bit_count()
    assert parts.capacity.sum() == pytest.approx(LLC_BYTES * used / LLC_WAYS)
    assert parts.spread.sum(axis=1) == pytest.approx(np.ones(len(masks)))
    for mask, spread in zip(masks, parts.spread, strict=True):
        own = spread > 0.0
        assert parts.capacity[own].sum() == pytest.approx(LLC_BYTES * mask.bit_count() / LLC_WAYS)
        assert spread[own] == pytest.approx(parts.capacity[own] / parts.capacity[own].sum())


@given(st.lists(MASKS, min_size=1, max_size=6))
def test_the_whole_cache_is_there_where_one_may_use_all_of_it(masks: list[int]) -> None:
    assert parts_of([*masks, ALL_WAYS]).capacity.sum() == pytest.approx(LLC_BYTES)


def test_fewer_ways_never_miss_less() -> None:
    misses = [
        float(solved(replace(tenant(CACHED, 2), ways=(1 << ways) - 1)).misses[0]) for ways in range(1, LLC_WAYS + 1)
    ]
    assert misses == sorted(misses, reverse=True)
    assert misses[0] > 5.0 * misses[-1]


def test_ways_of_ones_own_protect_from_those_who_take_the_cache() -> None:
    """Network functions lose up to 44.3 % of their throughput without isolation and 2.9 % with CAT and buffers that fit
    (Tootoonchian et al., "ResQ", NSDI 2018)."""
    assert loss(CACHED, CACHE_TAKER, 4) > 0.15
    assert loss_apart(CACHED, CACHE_TAKER, 4) < 0.03


def test_ways_of_ones_own_and_buffers_that_fit_protect_a_packet_function_too() -> None:
    """Ibid.: what is received must find room as well, so the others leave the devices' ways alone."""
    receiving = replace(CACHED, received_lines=4.0, sent_lines=4.0, packet_reads=1.0, ring_bytes=0.25 * DDIO_BYTES)
    victim, taker = tenant(receiving, 2), tenant(CACHE_TAKER, 4)
    assert slowdown(victim, taker) > 1.15
    apart = replace(taker, ways=OTHERS_WAYS & ~DDIO_MASK)
    assert slowdown(replace(victim, ways=VICTIMS_WAYS), apart) < 1.03


def test_ways_that_others_insert_into_as_well_protect_nobody() -> None:
    """A mask confines its owner's insertions alone, so it takes the others' masks to make room."""
    confined = slowdown(replace(tenant(CACHED, 2), ways=VICTIMS_WAYS), tenant(CACHE_TAKER, 4)) - 1.0
    assert confined >= loss(CACHED, CACHE_TAKER, 4)


@pytest.mark.parametrize("threads", [4, 7])
def test_ways_of_ones_own_do_not_protect_from_those_who_take_the_bandwidth(threads: int) -> None:
    """The parts of the memory system contend separately (Manousis et al., "Contention-Aware Performance Prediction For
    Virtualized Network Functions", SIGCOMM 2020)."""
    shared, apart = loss(UNCACHED, STREAMS, threads), loss_apart(UNCACHED, STREAMS, threads)
    assert shared > 0.15
    assert apart > 0.7 * shared
