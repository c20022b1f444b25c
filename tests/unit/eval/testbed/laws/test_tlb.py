"""Translations, and walks through the caches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.behaviour import Behaviour, Pages
from eval.testbed.cache import miss_ratio
from eval.testbed.equilibrium import Flows
from eval.testbed.hardware import STLB_ENTRIES, STLB_HUGE_ENTRIES
from eval.testbed.tlb import walks
from tests.unit.eval.testbed.laws.behaviours import CACHE_TAKER, CACHED, PAGE_WALKER, STREAMS, UNCACHED
from tests.unit.eval.testbed.laws.beside import on_one_core, solved, tenant

BIG_MEMORY = Pages(hot=20_000.0, lookups=15.0, steepness=0.8)
HUGE_PAGES = Pages(hot=400.0, entries=STLB_HUGE_ENTRIES, lookups=2.0)


def walked(pages: Pages, room: float = 1.0) -> float:
    return float(
        walks(
            *(np.array([value]) for value in (room, pages.lookups, pages.hot, pages.entries)),
            steepness=np.array([pages.steepness]),
            cold=np.array([pages.cold]),
        )[0]
    )


def walking_ns(flows: Flows) -> float:
    return float(flows.walk_core_ns[0] + flows.walk_wait_ns[0])


def share_of_time(behaviour: Behaviour) -> float:
    flows = solved(tenant(behaviour))
    return walking_ns(flows) / float(flows.service_ns[0])


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.builds(
        Pages,
        hot=st.floats(1.0, 1e6),
        entries=st.sampled_from([STLB_ENTRIES, STLB_HUGE_ENTRIES]),
        lookups=st.floats(0.0, 100.0),
        steepness=st.floats(0.2, 3.0),
        cold=st.floats(0.0, 0.5),
    ),
)
def test_less_room_never_walks_less_and_no_lookup_walks_twice(first: float, second: float, pages: Pages) -> None:
    tight, roomy = (walked(pages, room) for room in sorted((first, second)))
    assert pages.lookups * (pages.cold - 1e-12) <= roomy <= tight * (1 + 1e-12)
    assert tight <= pages.lookups


@pytest.mark.parametrize(("entries", "figure"), [(STLB_ENTRIES, 2048), (STLB_HUGE_ENTRIES, 1024)])
def test_only_cold_translations_walk_exactly_as_long_as_the_others_fit(entries: float, figure: int) -> None:
    """Golden Cove: 2048 entries of the second level, of which translations of 2 MiB pages may use 1024 (Bakhvalov,
    "Performance Analysis and Tuning on Modern CPUs", 2nd ed. 2024, chapter 3)."""
    fits = Pages(hot=figure, entries=entries, lookups=10.0, cold=0.01)
    assert walked(fits) == pytest.approx(0.1)
    assert walked(replace(fits, hot=1.1 * figure)) > 0.5


def test_an_equal_sibling_leaves_half_of_the_entries() -> None:
    pages = Pages(hot=STLB_ENTRIES, lookups=10.0)
    own = tenant(replace(CACHED, pages=pages))
    half = miss_ratio(
        np.array(0.5 * STLB_ENTRIES), np.array(pages.hot), np.array(pages.steepness), np.array(pages.cold)
    )
    assert on_one_core(own, own).walks[0] == pytest.approx(pages.lookups * float(half), rel=1e-6)


def test_a_sibling_that_walks_page_after_page_leaves_hardly_any_entries() -> None:
    own = tenant(replace(CACHED, pages=HUGE_PAGES))
    assert on_one_core(own, tenant(PAGE_WALKER)).walks[0] > 20.0 * solved(own).walks[0]


def test_walks_take_as_much_time_as_was_measured() -> None:
    """Big-memory services spend up to 51 % of their cycles in walks with 4 KiB pages, and "as much as 10 %" with large
    ones (Basu et al., "Efficient Virtual Memory for Big Memory Servers", ISCA 2013)."""
    assert 0.05 < share_of_time(replace(UNCACHED, pages=BIG_MEMORY)) < 0.51
    assert share_of_time(replace(UNCACHED, pages=HUGE_PAGES)) < 0.02
    assert share_of_time(replace(UNCACHED, pages=replace(HUGE_PAGES, hot=3000.0, lookups=4.0))) < 0.10


@pytest.mark.parametrize("pages", [BIG_MEMORY, HUGE_PAGES], ids=["small-pages", "huge-pages"])
@pytest.mark.parametrize(("aggressor", "threads"), [(STREAMS, 7), (CACHE_TAKER, 8)], ids=["bandwidth", "cache"])
def test_walks_get_longer_and_not_more_beside_those_who_take_cache_or_bandwidth(
    aggressor: Behaviour, threads: int, pages: Pages
) -> None:
    """Page tables are read through the caches (Basu et al., ISCA 2013; Bhargava et al., "Accelerating Two-Dimensional
    Page Walks for Virtualized Systems", ASPLOS 2008)."""
    own = tenant(replace(UNCACHED, pages=pages))
    alone, beside = solved(own), solved(own, tenant(aggressor, threads))
    assert beside.walks[0] == alone.walks[0]
    assert walking_ns(beside) > 1.1 * walking_ns(alone)
