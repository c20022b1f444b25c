"""Locked buses and contended lines."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.testbed.hardware import BUS_LOCK_NS, LLC_HIT_NS, NOMINAL_CLOCK_HZ
from eval.testbed.lock import bus_wait_ns, held_share
from eval.testbed.scene import Tenant
from eval.testbed.stressor import Stressor
from tests.unit.eval.testbed.laws.behaviours import CACHED, UNCACHED, WITHIN_L2
from tests.unit.eval.testbed.laws.beside import slowdown, solved, tenant


def lock_stressor(intensity: float = 1.0) -> Tenant:
    stressor = Stressor(axis=Axis.LOCK, intensity=intensity)
    return replace(tenant(stressor.behaviour, stressor.exclusive_cores), load=stressor.load)


def test_a_split_access_holds_the_bus_for_a_thousand_clocks() -> None:
    """It "can occupy the memory bus for around 1,000 clock cycles" ("Developers split over split-lock detection", LWN,
    6 December 2019)."""
    assert BUS_LOCK_NS * 1e-9 * NOMINAL_CLOCK_HZ >= 1000.0


@given(st.floats(0.0, 0.97))
def test_who_finds_the_bus_locked_waits_as_before_a_server_with_constant_service(held: float) -> None:
    """Pollaczek and Khinchine (Kleinrock, "Queueing Systems" vol. 1, 1975, 5.6)."""
    assert float(bus_wait_ns(np.array(held))) == pytest.approx(0.5 * BUS_LOCK_NS * held / (1.0 - held), rel=1e-9)


@given(st.floats(0.0, 1e7), st.floats(0.0, 1e7))
def test_more_split_accesses_never_hold_the_bus_less(first: float, second: float) -> None:
    held = held_share(np.sort([first, second]))
    assert 0.0 < held[0] <= held[1]


def test_nobody_waits_for_the_bus_where_nobody_locks_it() -> None:
    assert solved(tenant(CACHED, 2), tenant(UNCACHED, 2)).bus_wait_ns.max() < 1e-3


def test_split_locks_lengthen_everybodys_way_beyond_the_l2_on_both_sockets() -> None:
    """A split lock "disrupts performance on other cores and brings the whole system to its knees" (Linux
    Documentation/arch/x86/buslock.rst); beyond the L2 one client processor gets half as fast, another's caches ten
    times slower (Lam, "Investigating Split Locks on x86-64", Chips and Cheese, 2026; no server was measured)."""
    here, there = tenant(CACHED, 2), replace(tenant(CACHED, 2), socket=1)
    alone, beside = solved(here, there), solved(here, there, lock_stressor())
    for victim in (0, 1):
        assert 2.0 < (LLC_HIT_NS + beside.bus_wait_ns[victim]) / LLC_HIT_NS < 10.0
        assert beside.service_ns[victim] > 1.2 * alone.service_ns[victim]
    assert beside.service_ns[0] / alone.service_ns[0] == pytest.approx(
        beside.service_ns[1] / alone.service_ns[1], rel=0.01
    )


def test_split_locks_hardly_touch_who_stays_within_the_l2() -> None:
    """Ibid.: inside the L2 hardly anything changes."""
    assert slowdown(tenant(WITHIN_L2, 2), lock_stressor()) < 1.05


def test_a_locked_access_costs_its_own_thread_the_whole_lock() -> None:
    splitter = replace(WITHIN_L2, sharing=replace(WITHIN_L2.sharing, bus_locks=1.0))
    assert solved(tenant(splitter)).service_ns[0] > solved(tenant(WITHIN_L2)).service_ns[0] + BUS_LOCK_NS


def test_no_number_of_splitters_holds_the_bus_longer_than_all_the_time() -> None:
    splitter = replace(WITHIN_L2, sharing=replace(WITHIN_L2.sharing, bus_locks=20.0))
    flows = solved(*(replace(tenant(splitter, 8), socket=socket) for socket in (0, 1)))
    locks = 20.0 * flows.rate[:2].sum()
    assert 0.9 < float(held_share(np.array(locks))) < 1.0


def test_contended_lines_slow_those_who_share_them_and_nobody_else() -> None:
    """A transfer between cores takes 81 ns (Intel perfmon, sapphirerapids_metrics.json V1.3, Contested_Accesses);
    others do not wait for it."""
    contended = lock_stressor().behaviour
    contended = replace(contended, sharing=replace(contended.sharing, bus_locks=0.0))
    apart = replace(contended, sharing=replace(contended.sharing, transfers=0.0))
    assert solved(tenant(contended, 2)).service_ns[0] > 2.0 * solved(tenant(apart, 2)).service_ns[0]
    assert slowdown(tenant(CACHED, 2), tenant(contended, 2)) < 1.01


def test_a_harder_lock_stressor_never_holds_the_bus_less() -> None:
    waits = [float(solved(lock_stressor(intensity)).bus_wait_ns[0]) for intensity in (0.1, 0.3, 0.5, 0.7, 1.0)]
    assert waits == sorted(waits)
    assert waits[-1] > 3.0 * waits[0]
