"""The L1 instruction cache, alone and beside a sibling."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.testbed.behaviour import Behaviour, Code
from eval.testbed.catalogue import workload
from eval.testbed.core_counters import core_rates
from eval.testbed.equilibrium import equilibrium
from eval.testbed.frontend import COLD, l1i_misses
from eval.testbed.hardware import KIBIBYTE, L1I_BYTES
from tests.unit.eval.testbed.laws.behaviours import JUMPS, WITHIN_L2
from tests.unit.eval.testbed.laws.beside import on_one_core, scene, solved, tenant

PACKET_LOOP = replace(WITHIN_L2, code=Code(hot_bytes=14.0 * KIBIBYTE, fetched_lines=4.0))
SERVICE = replace(WITHIN_L2, compute_ns=400.0, code=Code(hot_bytes=440.0 * KIBIBYTE, fetched_lines=30.0))


def misses(room: float, *, fetched_lines: float, hot_bytes: float, steepness: float) -> float:
    columns = (room, fetched_lines, hot_bytes, steepness)
    return float(l1i_misses(*(np.array([value]) for value in columns))[0])


def fetch_latency_slots(behaviour: Behaviour, *, load: float | None, polls: bool) -> float:
    alone = scene(replace(tenant(behaviour), load=load, polls=polls))
    counts = core_rates(alone, equilibrium(alone), np.ones(len(alone.tenants)))
    return float(counts["PERF_METRICS.FETCH_LATENCY"][0] / counts["TOPDOWN.SLOTS"][0])


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 200.0),
    st.floats(1.0, 4096.0),
    st.floats(0.2, 3.0),
)
def test_less_room_never_misses_less_and_nothing_misses_more_than_all(
    first: float, second: float, fetched: float, kibibytes: float, steepness: float
) -> None:
    tight, roomy = (
        misses(room, fetched_lines=fetched, hot_bytes=kibibytes * KIBIBYTE, steepness=steepness)
        for room in sorted((first, second))
    )
    assert fetched * (COLD - 1e-12) <= roomy <= tight * (1 + 1e-12)
    assert tight <= fetched


def test_code_up_to_the_l1i_misses_what_is_cold_and_larger_code_more() -> None:
    """Golden Cove's L1I has 32 KiB (Bakhvalov, "Performance Analysis and Tuning on Modern CPUs", 2nd ed. 2024, chapter
    3)."""
    assert L1I_BYTES == 32 * 1024
    assert misses(1.0, fetched_lines=10.0, hot_bytes=L1I_BYTES, steepness=0.7) == pytest.approx(10.0 * COLD)
    assert misses(1.0, fetched_lines=10.0, hot_bytes=2 * L1I_BYTES, steepness=0.7) > 3.0


def test_two_loops_that_fit_together_take_nothing_from_each_other() -> None:
    assert on_one_core(tenant(PACKET_LOOP), tenant(PACKET_LOOP)).fetches[0] == solved(tenant(PACKET_LOOP)).fetches[0]


@pytest.mark.parametrize("sibling", [SERVICE, JUMPS], ids=["service", "stressor"])
@pytest.mark.parametrize("own", [PACKET_LOOP, SERVICE], ids=["loop", "service"])
def test_a_sibling_with_more_code_than_the_l1i_drives_code_out(own: Behaviour, sibling: Behaviour) -> None:
    """Two threads of a Golden Cove core share its caches dynamically (Bakhvalov, op. cit.)."""
    assert on_one_core(tenant(own), tenant(sibling)).fetches[0] > solved(tenant(own)).fetches[0] * 1.02


def test_a_sibling_that_does_nothing_drives_no_code_out() -> None:
    idle = replace(tenant(SERVICE), load=1e-4)
    assert on_one_core(tenant(PACKET_LOOP), idle).fetches[0] == pytest.approx(
        solved(tenant(PACKET_LOOP)).fetches[0], rel=0.02
    )


def test_a_sibling_that_fills_the_l2_sends_more_code_beyond_it() -> None:
    alone = float(solved(tenant(SERVICE)).code_accesses[0])
    crowded = on_one_core(tenant(SERVICE), tenant(replace(WITHIN_L2, l2_footprint=0.9)))
    assert crowded.code_accesses[0] > 1.2 * alone


def test_signalling_waits_for_code_and_packet_loops_do_not() -> None:
    """Large services lose more than 15 % of all slots to the front end (Kanev et al., "Profiling a warehouse-scale
    computer", ISCA 2015, and Ayers et al., "AsmDB", ISCA 2019, as quoted in the introduction of "Twig", MICRO 2021)."""
    signalling, packet_loops = ("amf", "smf"), ("upf-large", "firewall", "router")
    slots = {
        known.name: fetch_latency_slots(known.behaviour, load=known.load, polls=known.polls)
        for known in map(workload, (*signalling, *packet_loops))
    }
    assert min(slots[name] for name in signalling) > 0.15
    assert max(slots[name] for name in packet_loops) < 0.10


def test_misses_of_the_l1i_read_as_slots_that_wait_for_code() -> None:
    assert fetch_latency_slots(SERVICE, load=None, polls=False) > 0.05 + fetch_latency_slots(
        replace(SERVICE, code=PACKET_LOOP.code), load=None, polls=False
    )
