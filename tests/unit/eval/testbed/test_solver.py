"""What is found in C is what the mechanisms in Python say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.testbed._solver import ffi
from eval.testbed.catalogue import workload
from eval.testbed.equilibrium import flows_in
from eval.testbed.errors import EquilibriumError
from eval.testbed.housekeeping import HOUSEKEEPERS
from eval.testbed.node import SimulatedNode
from eval.testbed.scene import Scene, arrays_of
from eval.testbed.solver import FIGURES, PRECISION, implied, solve
from tests.unit.eval.testbed.crowds import PARTITIONED_NODES
from tests.unit.eval.testbed.former_solver import solved
from tests.unit.eval.testbed.scenes import node_with


@settings(deadline=None, max_examples=100)
@given(PARTITIONED_NODES, st.integers(0, 2**32 - 1), st.floats(0.0, 2.0))
def test_a_state_implies_in_c_what_it_implies_in_python(node: SimulatedNode, seed: int, apart: float) -> None:
    arrays = arrays_of(node.scene)
    state = solve(arrays).state + apart * np.random.default_rng(seed).standard_normal(arrays.unknowns)
    in_python = flows_in(arrays, state[None, :])[1][0]
    assert implied(arrays, state) == pytest.approx(in_python, rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(PARTITIONED_NODES)
def test_the_equilibrium_is_that_of_newtons_method_over_the_python_mechanisms(node: SimulatedNode) -> None:
    arrays = arrays_of(node.scene)
    found = solve(arrays)
    assert np.abs(found.state - solved(arrays)).max() < 1e-9
    assert np.abs(implied(arrays, found.state) - found.state).max() < PRECISION
    assert found.rate == pytest.approx(flows_in(arrays, found.state[None, :])[0].rate[0], rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(PARTITIONED_NODES, PARTITIONED_NODES)
def test_what_was_solved_before_changes_no_bit(node: SimulatedNode, other: SimulatedNode) -> None:
    first = solve(arrays_of(node.scene))
    solve(arrays_of(other.scene))
    again = solve(arrays_of(node.scene))
    assert first.state.tobytes() == again.state.tobytes()
    assert first.rate.tobytes() == again.rate.tobytes()


def test_a_scene_that_creeps_along_a_corner_is_solved_too() -> None:
    arrays = arrays_of(node_with(*map(workload, ("ipsec", "object-store", "l2fwd-kernel"))).scene)
    state = solve(arrays).state
    assert np.abs(implied(arrays, state) - state).max() < PRECISION


def test_every_figure_of_the_machine_has_a_value() -> None:
    assert set(FIGURES) == {name for name, _ in ffi.typeof("leeward_machine").fields}


def test_a_behaviour_that_makes_no_sense_is_refused_with_its_residual() -> None:
    senseless = replace(workload("udr").behaviour, compute_ns=math.nan)
    tenant = replace(workload("udr").tenant(socket=0, threads=2), behaviour=senseless, load=None)
    with pytest.raises(EquilibriumError, match=r"no equilibrium of 3 tenants after \d+ steps \(residual nan\)"):
        solve(arrays_of(Scene(tenants=(tenant, *HOUSEKEEPERS))))
