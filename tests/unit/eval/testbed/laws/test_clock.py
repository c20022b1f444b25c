"""The core clock: what it follows, and what it must not touch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.testbed.behaviour import Behaviour
from eval.testbed.clock import Clocks, steady_clock, waiting_share
from eval.testbed.core_counters import core_rates
from eval.testbed.equilibrium import equilibrium
from eval.testbed.hardware import CORES_PER_SOCKET, NOMINAL_CLOCK_HZ
from eval.testbed.node import HIGHEST_CLOCK_RATIO, LOWEST_CLOCK_RATIO
from eval.testbed.scene import Scene
from eval.testbed.stressor import Stressor
from tests.unit.eval.testbed.laws.behaviours import CACHED, STREAMS, UNCACHED, WITHIN_L2
from tests.unit.eval.testbed.laws.beside import scene, tenant
from tests.unit.eval.testbed.scenes import node_with

LEAST_HZ, MOST_HZ = 2.0e9, 3.8e9
"""Of a busy 8480, as "A Peek at Sapphire Rapids" saw it step up (Chips and Cheese, 2023)."""
PER_OPERATION = (
    "INST_RETIRED.ANY",
    "MEM_LOAD_RETIRED.L3_HIT",
    "MEM_LOAD_RETIRED.L3_MISS",
    "LONGEST_LAT_CACHE.REFERENCE",
    "LONGEST_LAT_CACHE.MISS",
    "L2_RQSTS.ALL_CODE_RD",
    "DTLB_LOAD_MISSES.WALK_COMPLETED",
    "MEM_INST_RETIRED.LOCK_LOADS",
)
BY_FIXED_CLOCKS = ("CPU_CLK_UNHALTED.REF_TSC", "CPU_CLK_UNHALTED.REF_DISTRIBUTED")
BY_CORE_CLOCKS = ("CPU_CLK_UNHALTED.THREAD", "TOPDOWN.SLOTS")
SETTINGS = st.floats(0.85, 1.25)
SHARES = st.floats(0.0, 1.0)


def wide(share: float) -> Behaviour:
    return replace(WITHIN_L2, core=replace(WITHIN_L2.core, wide=share))


def clock_hz(running: Scene, setting: float = 1.0) -> float:
    """The first tenant's."""
    return float(NOMINAL_CLOCK_HZ * setting * steady_clock(running)[0])


@settings(deadline=None)
@given(st.integers(1, CORES_PER_SOCKET), st.integers(1, CORES_PER_SOCKET), SHARES)
def test_more_busy_cores_never_run_faster(first: int, second: int, share: float) -> None:
    """The turbo ladder falls in steps with active cores ("Sizing Up Servers: Intel's Skylake-SP Xeon versus AMD's EPYC
    7000", AnandTech, 2017)."""
    few, many = (clock_hz(scene(tenant(wide(share), threads))) for threads in sorted((first, second)))
    assert many <= few


@settings(deadline=None)
@given(st.integers(1, CORES_PER_SOCKET), SHARES, SHARES)
def test_wider_work_never_runs_faster(threads: int, first: float, second: float) -> None:
    """Sapphire Rapids' clock depends on the instruction set (Laukemann, Hager and Wellein, "Microarchitectural
    comparison and in-core modeling of state-of-the-art CPUs: Grace, Sapphire Rapids, and Genoa", PMBS 2024)."""
    narrower, wider = (clock_hz(scene(tenant(wide(share), threads))) for share in sorted((first, second)))
    assert wider <= narrower


def test_wide_work_slows_its_own_core_most_and_the_whole_socket_a_little() -> None:
    neighbour = tenant(WITHIN_L2, 4)
    beside_wide, beside_narrow = scene(tenant(wide(1.0), 8), neighbour), scene(tenant(wide(0.0), 8), neighbour)
    ratios = steady_clock(beside_wide) / steady_clock(beside_narrow)
    assert ratios[0] < ratios[1] < 1.0
    assert ratios[3] == 1.0


@settings(deadline=None)
@given(st.integers(1, CORES_PER_SOCKET), SETTINGS)
def test_a_busy_core_runs_between_the_base_clock_and_the_highest_turbo(threads: int, setting: float) -> None:
    assert LEAST_HZ <= clock_hz(scene(tenant(WITHIN_L2, threads)), setting) <= MOST_HZ


@settings(deadline=None)
@given(st.integers(1, CORES_PER_SOCKET), SETTINGS, SHARES)
def test_no_work_runs_above_the_highest_turbo_and_wide_work_at_most_a_fifth_below_the_base_clock(
    threads: int, setting: float, share: float
) -> None:
    """The lower edge is the project's own: no figure for wide instructions alone was found."""
    assert 0.8 * LEAST_HZ <= clock_hz(scene(tenant(wide(share), threads)), setting) <= MOST_HZ


def test_temperature_moves_the_clock_by_a_few_per_cent_and_slowly() -> None:
    clocks, running = Clocks(np.random.default_rng(7)), scene(tenant(WITHIN_L2, 8))
    windows = np.array([clocks.advance(running, 1.0)[0] for _ in range(2000)]) / steady_clock(running)[0]
    deviations = np.log(windows)
    assert 0.01 < deviations.std() < 0.04
    assert 0.4 < np.corrcoef(deviations[:-1], deviations[1:])[0, 1] < 0.9
    assert np.abs(deviations.mean()) < 0.01


@settings(deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_less_on_offer_never_runs_slower_and_polling_counts_as_full(first: float, second: float) -> None:
    less, more = sorted((first, second))
    light, heavy = (replace(tenant(WITHIN_L2, 8), load=load) for load in (less, more))
    assert clock_hz(scene(heavy)) <= clock_hz(scene(light))
    assert clock_hz(scene(replace(light, polls=True))) == clock_hz(scene(replace(light, load=1.0)))
    if more > less + 1e-6:
        assert clock_hz(scene(heavy)) < clock_hz(scene(light))


def test_the_clock_follows_utilisation_and_not_contention() -> None:
    """A victim with half of its time to spare gets busier beside streams than beside as many threads within their L2;
    its clock is the same to the last digit."""
    victim = replace(tenant(UNCACHED, 4), load=0.5)
    quiet, contended = scene(victim, tenant(WITHIN_L2, 8)), scene(victim, tenant(STREAMS, 8))
    assert equilibrium(contended).busy[0] > 1.3 * equilibrium(quiet).busy[0]
    np.testing.assert_array_equal(steady_clock(contended), steady_clock(quiet))


def test_the_equilibrium_is_the_same_at_any_clock() -> None:
    node = node_with(Stressor(axis=Axis.LLC, intensity=0.8), Stressor(axis=Axis.MEMBW, intensity=0.8))
    before = node.flows
    for ratio in (LOWEST_CLOCK_RATIO, HIGHEST_CLOCK_RATIO):
        node.set_clock(ratio)
        node.advance(10.0)
        assert node.flows is before


@settings(deadline=None)
@given(st.floats(0.7, 1.5))
def test_another_clock_changes_counts_in_clocks_and_no_count_of_what_was_done(ratio: float) -> None:
    running = scene(tenant(CACHED, 2), tenant(STREAMS, 4))
    flows = equilibrium(running)
    nominal, other = (core_rates(running, flows, np.full(len(running.tenants), clock)) for clock in (1.0, ratio))
    for event in PER_OPERATION + BY_FIXED_CLOCKS:
        np.testing.assert_array_equal(other[event], nominal[event], err_msg=event)
    for event in BY_CORE_CLOCKS:
        assert other[event] == pytest.approx(ratio * nominal[event], rel=1e-9), event


@settings(deadline=None)
@given(st.floats(0.7, 1.5), st.floats(0.7, 1.5))
def test_a_faster_clock_spends_a_larger_share_of_its_clocks_waiting_for_memory(first: float, second: float) -> None:
    running = scene(tenant(UNCACHED, 2))
    flows = equilibrium(running)
    slow, fast = (core_rates(running, flows, np.full(3, ratio)) for ratio in sorted((first, second)))
    shares = [
        float(counts["MEMORY_ACTIVITY.STALLS_L3_MISS"][0] / counts["CPU_CLK_UNHALTED.THREAD"][0])
        for counts in (slow, fast)
    ]
    assert shares[0] <= shares[1] * (1 + 1e-12)


@pytest.mark.parametrize(("ratio", "share"), [(0.7, 0.23), (1.0, 0.3), (1.5, 0.39)])
def test_waiting_for_memory_takes_a_larger_share_of_a_faster_clock(ratio: float, share: float) -> None:
    assert waiting_share(np.array(0.3), np.array(ratio)) == pytest.approx(share, abs=0.005)


@given(SHARES.filter(lambda share: share > 0.0), st.floats(0.5, 1.6))
def test_the_same_nanoseconds_pass_in_waits_at_any_clock(waited: float, ratio: float) -> None:
    """Waits take ``waited`` of the nominal time; work takes ``(1 - waited) / ratio`` of it."""
    share = float(waiting_share(np.array(waited), np.array(ratio)))
    lasted = waited + (1.0 - waited) / ratio
    assert share * lasted == pytest.approx(waited)
