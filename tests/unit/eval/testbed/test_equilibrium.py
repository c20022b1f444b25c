"""What tenants do to one another: physical sanity of the joint equilibrium."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.equilibrium import equilibrium
from eval.testbed.hardware import CORES_PER_SOCKET, DRAM_PEAK_BYTES_PER_SECOND, LLC_BYTES, UPI_BYTES_PER_SECOND
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.scene import arrays_of
from eval.testbed.stressor import PRESSED_AXES, Stressor
from tests.unit.eval.testbed.crowds import NODES
from tests.unit.eval.testbed.scenes import VICTIM, node_with, slowdown, stressors

NAMES = st.sampled_from([known.name for known in WORKLOADS])
REMOTE_SLACK = 0.01
"""A resident whose memory is remote asks for less where the links are pressed, and leaves more cache to others."""


def workers(*occupants: Occupant) -> int:
    return sum(occupant.exclusive_cores for occupant in occupants)


@settings(deadline=None, max_examples=60)
@given(NODES)
def test_nobody_holds_more_than_there_is(node: SimulatedNode) -> None:
    flows, arrays = node.flows, arrays_of(node.scene)
    for streams in arrays.streams_of:
        assert flows.occupied[streams].sum() <= LLC_BYTES * (1 + 1e-9)
    assert (flows.occupied <= arrays.footprint * (1 + 1e-9)).all()
    assert (flows.traffic <= DRAM_PEAK_BYTES_PER_SECOND).all()
    assert (flows.transmitted <= UPI_BYTES_PER_SECOND).all()
    assert (flows.busy <= 1.0 + 1e-9).all()
    assert (flows.misses <= flows.accesses).all()


@settings(deadline=None, max_examples=60)
@given(NODES)
def test_the_state_implies_itself(node: SimulatedNode) -> None:
    flows, arrays = node.flows, arrays_of(node.scene)
    code_and_pages = flows.fetch_core_ns + flows.fetch_wait_ns + flows.walk_core_ns + flows.walk_wait_ns
    data = flows.hit_wait_ns + flows.miss_wait_ns + flows.bus_locked_ns
    implied = arrays.compute_ns * flows.smt_factor + data + code_and_pages
    assert flows.service_ns == pytest.approx(implied, rel=1e-8)


@settings(deadline=None, max_examples=60)
@given(NODES)
def test_company_never_helps(node: SimulatedNode) -> None:
    for domain in ("socket0", "socket1"):
        for uid, occupant in node.occupants(domain).items():
            if not isinstance(occupant, Stressor):
                assert node.true_slowdown(uid) >= 1.0 - 1e-6


@settings(deadline=None, max_examples=80)
@given(NAMES, st.sets(NAMES, max_size=3), st.sampled_from(PRESSED_AXES), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_harder_stressor_never_hurts_less(
    victim: str, residents: set[str], axis: Axis, first: float, second: float
) -> None:
    milder, harder = stressors(axis, sorted((first, second)))
    others = [workload(name) for name in sorted(residents)]
    assume(workers(workload(victim), *others, harder) <= CORES_PER_SOCKET)
    slack = REMOTE_SLACK if axis is Axis.UPI else 1e-6
    assert slowdown(victim, *others, milder) <= slowdown(victim, *others, harder) * (1 + slack)


@settings(deadline=None, max_examples=60)
@given(NAMES, st.sets(NAMES, max_size=3), NAMES)
def test_a_resident_more_never_helps(victim: str, residents: set[str], late: str) -> None:
    others = [workload(name) for name in sorted(residents)]
    assume(workers(workload(victim), *others, workload(late)) <= CORES_PER_SOCKET)
    assert slowdown(victim, *others) <= slowdown(victim, *others, workload(late)) * (1 + 1e-6)


@pytest.mark.parametrize("axis", PRESSED_AXES)
def test_every_axis_hurts_somebody_badly_and_somebody_hardly(axis: Axis) -> None:
    worst = [slowdown(known.name, Stressor(axis=axis, intensity=1.0)) for known in WORKLOADS]
    assert max(worst) > (1.5 if axis in {Axis.DDIO, Axis.UPI} else 1.8)
    assert min(worst) < 1.2


def test_an_idle_stressor_hurts_nobody() -> None:
    for axis in PRESSED_AXES:
        for known in WORKLOADS:
            assert slowdown(known.name, Stressor(axis=axis, intensity=0.0)) < 1.05


def test_contention_is_neither_sum_nor_maximum_nor_product() -> None:
    batch = workload("batch")
    membw = Stressor(axis=Axis.MEMBW, intensity=0.7)
    llc = Stressor(axis=Axis.LLC, intensity=0.7)
    for victim in ("upf-large", "udr"):
        for one, other in ((llc, membw), (batch, llc)):
            alone = np.array([slowdown(victim, one), slowdown(victim, other)])
            joint = slowdown(victim, one, other)
            for rule in (1.0 + (alone - 1.0).sum(), alone.max(), alone.prod()):
                assert abs(joint / rule - 1.0) > 0.01, (victim, one, other)


def test_joint_effects_fall_on_both_sides_of_the_sum() -> None:
    batch, cdn = workload("batch"), workload("cdn-cache")
    below = slowdown("dpi-deep", batch, cdn) - slowdown("dpi-deep", batch) - slowdown("dpi-deep", cdn) + 1.0
    light = Stressor(axis=Axis.LLC, intensity=0.3)
    small = workload("upf-small")
    above = slowdown("upf-large", light, small) - slowdown("upf-large", light) - slowdown("upf-large", small) + 1.0
    assert below < -0.1
    assert above > 0.0


def test_what_presses_the_other_socket_is_felt_through_remote_memory_only() -> None:
    here = node_with(workload("udr"))
    here.place("far", Stressor(axis=Axis.MEMBW, intensity=1.0), domain="socket1")
    assert 1.01 < here.true_slowdown(VICTIM) < 1.5
    local = node_with(workload("upf-large"), Stressor(axis=Axis.SMT, intensity=0.2))
    before = local.true_slowdown(VICTIM)
    local.place("far", Stressor(axis=Axis.SMT, intensity=1.0), domain="socket1")
    assert local.true_slowdown(VICTIM) == pytest.approx(before, abs=1e-3)


def test_rings_beyond_their_ways_leak_into_memory() -> None:
    alone = node_with(workload("upf-large"))
    many = node_with(*[workload(name) for name in ("upf-large", "router", "dpi", "upf-small")])
    assert alone.flows.evicted[0] < 0.1
    assert many.flows.evicted[0] > 2 * alone.flows.evicted[0]


def test_a_scene_is_solved_once() -> None:
    scene = node_with(workload("udr"), workload("batch")).scene
    assert equilibrium(scene) is equilibrium(replace(scene))
