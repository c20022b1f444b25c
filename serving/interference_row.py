"""What the interference model sees of one victim: only what is known before the placement.

The domain's vector without the newcomer; what the victim presses, and how it answers to pressure, by its profile; and
of the co-runners the highest and the second highest pressure on each axis, and their number. Nothing is summed over
workloads, since contention does not add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier, WorkloadProfile
from contracts.vector import FloatArray
from serving.observed_bound import OwnMargin

PRESSURE_FEATURE: dict[Axis, str] = {
    Axis.LLC: "llc_occupancy_share",
    Axis.MEMBW: "dram_utilisation",
    Axis.SMT: "core_bound_share",
    Axis.FRONTEND: "icache_stall_share",
    Axis.TLB: "dtlb_walks",
    Axis.DDIO: "io_bandwidth_share",
    Axis.UPI: "upi_utilisation",
    Axis.LOCK: "lock_loads",
}
"""The feature of a workload's solo vector that says how hard it presses an axis."""

DOMAIN_PRESSURES = (
    "llc_occupancy_share",
    "dram_utilisation",
    "smt_overlap",
    "io_bandwidth_share",
    "upi_utilisation",
)
"""Features of a domain that say how far a shared resource is used up: more of it never helps a victim."""

INTERFERENCE_COLUMNS: tuple[str, ...] = (
    *(f"domain.{name}" for name in FEATURE_SCHEMA_V1.names),
    *(f"victim.pressure.{axis}" for axis in AXES),
    *(f"victim.sensitivity.{axis}" for axis in AXES),
    *(f"others.highest.{axis}" for axis in AXES),
    *(f"others.second.{axis}" for axis in AXES),
    "others.count",
)

PRESSURE_COLUMNS: tuple[str, ...] = tuple(
    name
    for name in INTERFERENCE_COLUMNS
    if name.startswith("others.") or name in {f"domain.{feature}" for feature in DOMAIN_PRESSURES}
)
"""Columns in which a higher value is more pressure on the victim; the model is monotone in them."""

RISING_COLUMNS: tuple[str, ...] = (*PRESSURE_COLUMNS, *(f"victim.sensitivity.{axis}" for axis in AXES))
"""Columns in which the predicted slowdown never falls."""

_PRESSURE_INDEX = np.array([FEATURE_SCHEMA_V1.names.index(PRESSURE_FEATURE[axis]) for axis in AXES])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownWorkload:
    """A profile as the interference model sees it.

    Attributes:
        key, tier, conservative: as in the profile.
        pressures: float32 ``(len(AXES),)``, what it presses alone; NaN where its profile lacks the feature.
        sensitivities: float32 ``(len(AXES),)``, the highest upper bound of its response curve an axis; NaN where it
            was not probed.
        own: its own margin; ``None`` where it was not observed, so that its tier's counts. No part of a row.
    """

    key: str
    tier: Tier
    conservative: bool
    pressures: FloatArray
    sensitivities: FloatArray
    own: OwnMargin | None = None


def known_workload(profile: WorkloadProfile) -> KnownWorkload:
    """A profile's part of a row."""
    responses = [profile.response(axis) for axis in AXES]
    return KnownWorkload(
        key=profile.key,
        tier=profile.tier,
        conservative=profile.conservative,
        pressures=profile.solo_values[_PRESSURE_INDEX],
        sensitivities=np.array(
            [np.nan if response is None else response.worst for response in responses], dtype=np.float32
        ),
    )


def interference_row(
    *,
    before: FloatArray,
    victim: KnownWorkload,
    others: Sequence[KnownWorkload],
    worst_pressures: FloatArray,
) -> FloatArray:
    """One row of the interference model's input.

    Args:
        before: float32 ``(len(schema),)``, the domain's vector before the latest arrival.
        victim: whose slowdown is asked for.
        others: who runs beside it, in any order.
        worst_pressures: float32 ``(len(AXES),)``, what stands in for a pressure that a co-runner's profile lacks: the
            highest known, so that ignorance never looks harmless.

    Returns:
        float32 ``(len(INTERFERENCE_COLUMNS),)``; without others their pressures are zero.
    """
    highest, second = two_highest([other.pressures for other in others], worst_pressures=worst_pressures)
    return np.concatenate(
        [before, victim.pressures, victim.sensitivities, highest, second, np.array([len(others)], dtype=np.float32)],
        dtype=np.float32,
    )


def two_highest(pressures: Sequence[FloatArray], *, worst_pressures: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Per axis the highest and the second highest of several pressures; zero where there are none.

    Args:
        pressures: one float32 ``(len(AXES),)`` a workload, NaN for unknown.
        worst_pressures: stands in for NaN.
    """
    stacked = np.zeros((len(pressures) + 2, len(AXES)), dtype=np.float32)
    for index, own in enumerate(pressures):
        stacked[index] = np.where(np.isnan(own), worst_pressures, own)
    stacked.sort(axis=0)
    return stacked[-1], stacked[-2]


def worst_pressures_of(workloads: Sequence[KnownWorkload]) -> FloatArray:
    """Per axis the highest pressure that any known workload exerts.

    Returns:
        float32 ``(len(AXES),)``; where nobody's is known, the feature's own maximum.
    """
    maxima = np.array([FEATURE_SCHEMA_V1.features[index].maximum for index in _PRESSURE_INDEX], dtype=np.float32)
    if not workloads:
        return maxima
    highest = np.fmax.reduce([workload.pressures for workload in workloads])
    return np.where(np.isnan(highest), maxima, highest).astype(np.float32)


def column_index(names: Sequence[str]) -> NDArray[np.intp]:
    """Where columns stand in a row."""
    return np.array([INTERFERENCE_COLUMNS.index(name) for name in names], dtype=np.intp)
