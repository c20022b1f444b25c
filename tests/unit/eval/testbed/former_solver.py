"""The equilibrium by Newton's method over the mechanisms in Python: slow, and without a line of C."""

import numpy as np
from numpy.typing import NDArray

from eval.testbed.cache import LEFT_OVER_SECONDS
from eval.testbed.equilibrium import flows_in
from eval.testbed.hardware import DRAM_IDLE_NS, LLC_HIT_NS, SOCKETS, UPI_HOP_NS
from eval.testbed.lock import LEAST_HELD
from eval.testbed.scene import SceneArrays
from eval.testbed.solver import PRECISION, SHORT_RESIDENCE, STEPS

DoubleArray = NDArray[np.float64]

PROBE = 1e-7
LONGEST_STEP = 4.0
SHORTER_STEPS = np.array([0.5, 0.25, 0.1, 0.03, 0.01])


def solved(arrays: SceneArrays) -> DoubleArray:
    """Logarithms of the unknowns."""
    state = begin(arrays)
    residual, jacobian = linearised(arrays, state)
    for _ in range(STEPS):
        if np.abs(residual).max() < PRECISION:
            return state
        step = np.linalg.solve(jacobian, -residual)
        step *= min(1.0, LONGEST_STEP / np.abs(step).max())
        before = np.linalg.norm(residual)
        ahead, (residual, jacobian) = state + step, linearised(arrays, state + step)
        if not np.linalg.norm(residual) < before:
            trials = state + SHORTER_STEPS[:, None] * step
            ahead = trials[int(np.argmin(np.linalg.norm(residuals(arrays, trials), axis=1)))]
            residual, jacobian = linearised(arrays, ahead)
        state = ahead
    raise AssertionError(f"no equilibrium after {STEPS} steps")


def linearised(arrays: SceneArrays, state: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """The residual of a state, and how it changes with each unknown."""
    found = residuals(arrays, np.concatenate([state[None, :], state + PROBE * np.eye(len(state))]))
    return found[0], ((found[1:] - found[0]) / PROBE).T


def begin(arrays: SceneArrays) -> DoubleArray:
    """Footprints scaled into the cache, idle memory, and a few damped steps from there."""
    occupied, residence = arrays.footprint.copy(), np.empty(len(arrays.part_bytes))
    for socket, streams in enumerate(arrays.streams_of):
        parts = arrays.part_socket == socket
        room, wanted = arrays.part_bytes[parts].sum(), occupied[streams].sum()
        occupied[streams] *= min(1.0, room / wanted)
        residence[parts] = max(1.0 - wanted / room, SHORT_RESIDENCE) * LEFT_OVER_SECONDS
    service = arrays.compute_ns + arrays.llc_accesses * LLC_HIT_NS
    latencies = [np.full(SOCKETS, DRAM_IDLE_NS), np.full(SOCKETS, UPI_HOP_NS)]
    state: DoubleArray = np.log(np.concatenate([service, occupied, residence, *latencies, [LEAST_HELD]]))
    for _ in range(3):
        state = state + 0.5 * np.clip(residuals(arrays, state[None, :])[0], -LONGEST_STEP, LONGEST_STEP)
    return state


def residuals(arrays: SceneArrays, states: DoubleArray) -> DoubleArray:
    """What each state implies, less the state."""
    return np.asarray(flows_in(arrays, states)[1] - states)
