"""Who holds how much of the last-level cache, and what that costs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.axis import Axis
from contracts.slowdown import IndicatorKind
from eval.testbed.cache import filled, miss_ratio, occupancy
from eval.testbed.catalogue import workload
from eval.testbed.hardware import LINE_BYTES, LLC_BYTES, MEBIBYTE
from eval.testbed.stressor import Stressor
from tests.unit.eval.testbed.laws.behaviours import CACHE_TAKER, CACHED
from tests.unit.eval.testbed.laws.beside import slowdown, solved, tenant
from tests.unit.eval.testbed.scenes import slowdown as workload_slowdown

INSERTIONS = st.floats(1e3, 1e9)
FOOTPRINTS = st.floats(1e4, 1e9)
SHARERS = st.lists(st.tuples(INSERTIONS, FOOTPRINTS), min_size=1, max_size=8)
RESIDENCES = st.floats(1e-5, 10.0)


def held_in_one_part(sharers: list[tuple[float, float]], residence: float) -> np.ndarray:
    insertions, footprints = (np.array(column) for column in zip(*sharers, strict=True))
    spread = np.ones((len(sharers), 1))
    return occupancy(insertions[None, :], np.array([[residence]]), spread, footprints)[0, :, 0]


@given(st.floats(0.1, 5.0), st.floats(0.0, 0.9), st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_more_cache_never_misses_more(steepness: float, compulsory: float, first: float, second: float) -> None:
    held = np.sort([first, second])
    less, more = miss_ratio(held, np.array(1.0), np.array(steepness), np.array(compulsory))
    assert 1.0 >= less >= more >= compulsory - 1e-12


@given(SHARERS, RESIDENCES)
def test_a_sharer_holds_what_it_inserts_while_a_line_stays_and_never_more_than_its_footprint(
    sharers: list[tuple[float, float]], residence: float
) -> None:
    """Little's law; where sharers are short of cache they hold it in proportion to their insertions (Xu et al., "Cache
    contention and application performance prediction for multi-core systems", ISPASS 2010)."""
    for (insertions, footprint), held in zip(sharers, held_in_one_part(sharers, residence), strict=True):
        wanted = LINE_BYTES * insertions * residence
        assert held <= min(wanted, footprint) * (1 + 1e-12)
        if wanted < 0.5 * footprint:
            assert held == pytest.approx(wanted, rel=1e-3)
        if wanted > 2.0 * footprint:
            assert held == pytest.approx(footprint, rel=1e-3)


@given(SHARERS, RESIDENCES, RESIDENCES)
def test_longer_residence_fills_a_cache_further(
    sharers: list[tuple[float, float]], first: float, second: float
) -> None:
    full = [
        float(
            filled(held_in_one_part(sharers, residence)[None, :, None], np.array([[residence]]), np.array([1e7]))[0, 0]
        )
        for residence in sorted((first, second))
    ]
    assert full[0] <= full[1] * (1 + 1e-9)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(2.0, 30.0), st.floats(0.3, 80.0), st.floats(0.02, 1.0)),
        min_size=1,
        max_size=6,
    )
)
def test_the_cache_is_full_or_everybody_holds_all_of_theirs(sharers: list[tuple[float, float, float]]) -> None:
    """Within a twentieth: lines that belong to nobody take time to go, and the last lines of a footprint to come."""
    behaviours = [
        replace(CACHED, llc_accesses=accesses, footprint_bytes=footprint * MEBIBYTE, compulsory=compulsory)
        for accesses, footprint, compulsory in sharers
    ]
    *held, _elsewhere = solved(*(tenant(behaviour, 2) for behaviour in behaviours)).occupied
    footprints = np.array([behaviour.footprint_bytes for behaviour in behaviours])
    assert sum(held) < LLC_BYTES * (1 + 1e-9)
    assert sum(held) > 0.95 * LLC_BYTES or (held[: len(sharers)] > 0.95 * footprints).all()


def test_the_order_in_which_tenants_are_named_changes_nothing() -> None:
    first, second, third = (tenant(replace(CACHED, llc_accesses=accesses)) for accesses in (4.0, 8.0, 16.0))
    one, other = solved(first, second, third), solved(third, first, second)
    assert one.occupied[:3] == pytest.approx(other.occupied[[1, 2, 0]], rel=1e-6)
    assert one.service_ns[:3] == pytest.approx(other.service_ns[[1, 2, 0]], rel=1e-6)


def test_equals_hold_equally_much_and_others_in_proportion_to_what_they_insert() -> None:
    """Xu et al., ISPASS 2010."""
    hungry = tenant(replace(CACHED, footprint_bytes=LLC_BYTES))
    equal = solved(hungry, hungry).occupied
    assert equal[0] == pytest.approx(equal[1])
    assert equal[:2].sum() > 0.95 * LLC_BYTES
    eager = tenant(replace(hungry.behaviour, llc_accesses=30.0))
    flows = solved(hungry, eager)
    insertions = flows.rate * flows.misses
    assert flows.occupied[1] > flows.occupied[0]
    assert flows.occupied[1] / flows.occupied[0] == pytest.approx(insertions[1] / insertions[0], rel=0.05)


def test_loss_rises_with_what_competitors_ask_of_the_cache_and_saturates() -> None:
    """Dobrescu, Argyraki and Ratnasamy, "Toward Predictable Performance in Software Packet-Processing Platforms", NSDI
    2012: the drop is a concave function of the competitors' references a second."""
    competitors = [tenant(CACHE_TAKER, threads) for threads in (1, 2, 4, 8, 14)]
    victim = tenant(CACHED, 2)
    drop = np.array([0.0] + [1.0 - 1.0 / slowdown(victim, competitor) for competitor in competitors])
    flows = [solved(victim, competitor) for competitor in competitors]
    references = np.array([0.0] + [float(state.rate[1] * state.accesses[1]) for state in flows])
    slopes = np.diff(drop) / np.diff(references)
    assert (slopes > 0.0).all()
    assert (np.diff(slopes) < 0.0).all()


def test_network_functions_lose_as_much_to_a_taken_cache_as_was_measured() -> None:
    """Consolidated network functions lose up to 44.3 % of their throughput without isolation (Tootoonchian et al.,
    "ResQ", NSDI 2018)."""
    poll_mode = [workload(name) for name in ("firewall", "router", "dpi")]
    assert {known.indicator for known in poll_mode} == {IndicatorKind.THROUGHPUT}
    drops = [1.0 - 1.0 / workload_slowdown(known.name, Stressor(axis=Axis.LLC, intensity=1.0)) for known in poll_mode]
    assert 0.10 < max(drops) < 0.50


@pytest.mark.parametrize("name", ["upf-large", "firewall", "router", "dpi"])
def test_code_that_lives_within_the_l2_takes_no_cache_from_network_functions(name: str) -> None:
    assert workload_slowdown(name, workload("transcoder")) < 1.10
