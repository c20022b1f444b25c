"""Two threads on one core. Figures without a source here are the project's own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.behaviour import Behaviour
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.smt import excess_demand, room_beside
from tests.unit.eval.testbed.laws.behaviours import ARITHMETIC, CACHED, JUMPS, WITHIN_L2
from tests.unit.eval.testbed.laws.beside import on_one_core, solved, tenant

SHARES = st.floats(0.0, 1.0)


def speed_beside(own: Behaviour, sibling: Behaviour) -> float:
    """An endless thread's speed over its speed alone."""
    return float(on_one_core(tenant(own), tenant(sibling)).rate[0] / solved(tenant(own)).rate[0])


@given(SHARES, SHARES, SHARES)
def test_excess_demand_is_what_two_threads_ask_beyond_one_core(own: float, first: float, second: float) -> None:
    low, high = (float(excess_demand(np.array(own), np.array(sibling))) for sibling in sorted((first, second)))
    assert 0.0 < low <= high
    assert max(own + max(first, second) - 1.0, 0.0) <= high <= max(own + max(first, second) - 1.0, 0.0) + 0.05
    assert high == float(excess_demand(np.array(max(first, second)), np.array(own)))


@given(SHARES, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_siblings_divide_what_they_share_by_demand(contact: float, own: float, sibling: float) -> None:
    contacts = np.array([[[0.0, contact], [contact, 0.0]]])
    room = room_beside(contacts, np.array([own, sibling]), np.ones(2))[0]
    assert (room >= 0.0).all()
    assert (room <= 1.0).all()
    if own + sibling > 0.0:
        assert 2.0 - room.sum() == pytest.approx(contact)
    if own == sibling > 0.0:
        assert room == pytest.approx(np.full(2, 1.0 - 0.5 * contact))


@given(SHARES, SHARES, SHARES, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_no_sibling_takes_more_than_it_has_a_use_for(
    contact: float, first: float, second: float, own: float, sibling: float
) -> None:
    contacts = np.array([[[0.0, contact], [contact, 0.0]]])
    room = room_beside(contacts, np.array([own, sibling]), np.array([first, second]))[0]
    assert room[0] >= 1.0 - contact * second - 1e-12
    assert room[1] >= 1.0 - contact * first - 1e-12


def test_two_threads_that_fill_the_ports_do_hardly_more_together_than_one() -> None:
    """Tuck and Tullsen, "Initial Observations of the Simultaneous Multithreading Pentium 4 Processor", PACT 2003."""
    assert 0.45 < speed_beside(ARITHMETIC, ARITHMETIC) < 0.65


def test_two_copies_of_a_workload_do_more_on_a_core_than_one_and_less_than_two() -> None:
    """Multiprogrammed pairs gain a fraction of a core on average, and a few lose (ibid.; Marr et al., "Hyper-Threading
    Technology Architecture and Microarchitecture", Intel Technology Journal 6(1), 2002)."""
    serving = [replace(known.behaviour, forward_ns=0.0) for known in WORKLOADS]
    together = [2.0 * speed_beside(behaviour, behaviour) for behaviour in serving]
    assert min(together) > 0.90
    assert max(together) < 1.65
    assert 1.10 < np.mean(together) < 1.40


@pytest.mark.parametrize("own", [WITHIN_L2, CACHED, ARITHMETIC, JUMPS], ids=["within-l2", "cached", "ports", "code"])
def test_a_sibling_that_halts_costs_nothing_and_one_that_polls_less_than_one_that_computes(own: Behaviour) -> None:
    alone = float(solved(tenant(own)).service_ns[0])
    halted = replace(tenant(ARITHMETIC), load=1e-4)
    polling = replace(halted, polls=True)
    halting, idle_polling, computing = (
        float(on_one_core(tenant(own), sibling).service_ns[0]) / alone
        for sibling in (halted, polling, tenant(ARITHMETIC))
    )
    assert halting == pytest.approx(1.0, abs=1e-3)
    assert halting < idle_polling < computing


def test_ports_and_the_front_end_contend_separately() -> None:
    """Zhang et al., "SMiTe: Precise QoS Prediction on Real-System SMT Processors to Improve Utilization in Warehouse
    Scale Computers", MICRO 2014: who suffers from a busy sibling depends on what that one is busy with."""
    port_bound = replace(WITHIN_L2, port_demand=0.8)
    code_bound = replace(
        WITHIN_L2, port_demand=0.2, code=replace(WITHIN_L2.code, hot_bytes=32.0 * 1024.0, fetched_lines=30.0)
    )
    assert speed_beside(port_bound, ARITHMETIC) < speed_beside(port_bound, JUMPS)
    assert speed_beside(code_bound, JUMPS) < speed_beside(code_bound, ARITHMETIC)


def test_a_sibling_that_fills_the_l2_sends_more_requests_to_the_last_level_cache() -> None:
    crowding, sparing = (replace(WITHIN_L2, l2_footprint=share) for share in (0.9, 0.1))
    accesses = [float(on_one_core(tenant(CACHED), tenant(sibling)).accesses[0]) for sibling in (sparing, crowding)]
    assert CACHED.llc_accesses < accesses[0] < accesses[1]
