"""The unknowns of a scene's equilibrium, found in C (``newton.c``).

The mechanisms' figures go in from where they stand; ``tests/unit/eval/testbed/test_solver.py`` holds what C makes of a
state against what the mechanisms in Python make of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.testbed import cache, ddio, frontend, hardware, lock, memory, smt, tlb
from eval.testbed._solver import ffi, lib
from eval.testbed.errors import EquilibriumError
from eval.testbed.scene import SceneArrays

DoubleArray = NDArray[np.float64]

PRECISION = 1e-10
"""Largest residual of a logarithm."""
STEPS = 500
"""Most scenes take a dozen; a few creep along the corner of an occupancy for a hundred and more."""
SHORT_RESIDENCE = 1e-4
"""Share of the longest one, to begin with where the cache is fought over."""

FIGURES: Mapping[str, float] = {
    "line_bytes": hardware.LINE_BYTES,
    "l2_hit_ns": hardware.L2_HIT_NS,
    "llc_hit_ns": hardware.LLC_HIT_NS,
    "transfer_ns": hardware.TRANSFER_NS,
    "bus_lock_ns": hardware.BUS_LOCK_NS,
    "dram_idle_ns": hardware.DRAM_IDLE_NS,
    "dram_service_ns": memory.DRAM_SERVICE_NS,
    "dram_peak_bytes_per_second": hardware.DRAM_PEAK_BYTES_PER_SECOND,
    "upi_hop_ns": hardware.UPI_HOP_NS,
    "upi_service_ns": memory.UPI_SERVICE_NS,
    "upi_bytes_per_second": hardware.UPI_BYTES_PER_SECOND,
    "knee": memory.KNEE,
    "left_over_seconds": cache.LEFT_OVER_SECONDS,
    "least_insertions": cache.LEAST_INSERTIONS,
    "short_residence": SHORT_RESIDENCE,
    "ring_compulsory": ddio.RING_COMPULSORY,
    "sent_after_eviction": ddio.SENT_AFTER_EVICTION,
    "l1i_bytes": hardware.L1I_BYTES,
    "code_cold": frontend.COLD,
    "fetch_exposed": frontend.FETCH_EXPOSED,
    "code_evicted": frontend.CODE_EVICTED,
    "code_from_sibling": frontend.CODE_FROM_SIBLING,
    "walk_ns": tlb.WALK_NS,
    "walk_exposed": tlb.WALK_EXPOSED,
    "tables_beyond_l2": tlb.TABLES_BEYOND_L2,
    "tables_evicted": tlb.TABLES_EVICTED,
    "polling_port_demand": smt.POLLING_PORT_DEMAND,
    "spill": smt.SPILL,
    "port_rounding": smt.PORT_ROUNDING,
    "least_held": lock.LEAST_HELD,
}
"""Of the machine and of its mechanisms, by their names in C."""
_MACHINE = ffi.new("leeward_machine *", FIGURES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Where a scene's state implies itself.

    Attributes:
        state: logarithms of the unknowns, in the order of ``eval.testbed.equilibrium``.
        service_ns, rate: of each tenant, as in ``eval.testbed.equilibrium.Flows``.
    """

    state: DoubleArray
    service_ns: DoubleArray
    rate: DoubleArray


def solve(arrays: SceneArrays) -> Solution:
    """Newton's method, from a start that follows from the scene alone.

    Raises:
        EquilibriumError: it led nowhere.
    """
    tenants = len(arrays.threads)
    state, rate = np.empty(arrays.unknowns), np.empty(tenants)
    left = lib.leeward_solve(_MACHINE, _scene(arrays), STEPS, PRECISION, _doubles(state), _doubles(rate))
    if not left < PRECISION:
        raise EquilibriumError(
            f"no equilibrium of {tenants} tenants after {STEPS} steps (residual {left:.2g}): a behaviour has an "
            "implausible parameter"
        )
    return Solution(state=state, service_ns=np.exp(state[:tenants]), rate=rate)


def implied(arrays: SceneArrays, state: DoubleArray) -> DoubleArray:
    """Logarithms of what a state implies for each unknown."""
    found = np.empty(arrays.unknowns)
    if lib.leeward_imply(_MACHINE, _scene(arrays), _doubles(np.ascontiguousarray(state)), _doubles(found)):
        raise MemoryError("there is no memory for a scene's scratch")
    return found


def _scene(arrays: SceneArrays) -> object:
    """As C knows it; it points into the arrays, which have to outlive it."""
    return ffi.new(
        "leeward_scene *",
        {
            "tenants": len(arrays.threads),
            "rings": len(arrays.ring_owner),
            "parts": len(arrays.part_bytes),
            "tenant": ffi.from_buffer("leeward_tenant[]", arrays.table),
            "sibling_share": _doubles(arrays.sibling_share),
            "ring_owner": ffi.from_buffer("int64_t[]", arrays.ring_owner),
            "part_socket": ffi.from_buffer("int64_t[]", arrays.part_socket),
            "part_bytes": _doubles(arrays.part_bytes),
            "spread": _doubles(arrays.spread),
        },
    )


def _doubles(array: DoubleArray) -> object:
    return ffi.from_buffer("double[]", array)
