"""Which axes pressed a window: the injected stressor says so first, else top-down rules on the window's own vector.

An operator's label stands as it is. Where a stressor ran, the rules still speak, and where they say otherwise that is
counted as a conflict. A rule that can't be judged, since its counters are missing, gives no answer rather than a no.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import LabelledTrace, Provenance
from contracts.vector import FloatArray


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of pressure: a feature at or above a level."""

    feature: str
    at_least: float


RULES: Mapping[Axis, tuple[Sign, ...]] = {
    Axis.LLC: (Sign("memory_bound_share", 0.4), Sign("l3_miss_stall_share", 0.3), Sign("row_churn", 0.3)),
    Axis.MEMBW: (Sign("dram_utilisation", 0.4), Sign("memory_bound_share", 0.2)),
    Axis.SMT: (Sign("core_bound_share", 0.3), Sign("smt_overlap", 0.05)),
    Axis.FRONTEND: (Sign("fetch_latency_share", 0.15), Sign("icache_stall_share", 0.1)),
    Axis.TLB: (Sign("dtlb_walks", math.log1p(5.0)),),
    Axis.DDIO: (Sign("ddio_write_miss_ratio", 0.3), Sign("io_bandwidth_share", 0.1)),
    Axis.UPI: (Sign("upi_utilisation", 0.4),),
    Axis.LOCK: (Sign("snoop_forward_share", 0.2), Sign("lock_loads", math.log1p(5.0))),
}
"""An axis is pressed where all its signs show. The shares of slots go up the tree of Yasin, "A Top-Down method", ISPASS
2014: memory bound before the cache or the memory is blamed, core bound before the sibling, fetch latency before the
front end. Misses of a cache that is fought over are scattered and churn DRAM rows, those of a stream are not, which
tells the two apart. The levels are this project's own, set where windows of known stressors part; no label of an
injected window depends on them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """One label a window and axis.

    Attributes:
        pressed: float ``(n, len(AXES))``: 1 pressed, 0 not, NaN where nobody can say.
        provenance: where each window's label comes from.
        conflicts: per axis, windows whose stressor says one thing and whose rule another.
        judged: axes that are pressed in enough windows, and not in all: there is something to learn.
    """

    pressed: NDArray[np.float64]
    provenance: tuple[Provenance, ...]
    conflicts: Mapping[Axis, int]
    judged: tuple[Axis, ...]


def label(windows: Sequence[LabelledTrace], *, intensity: float, fewest_pressed: int) -> Labels:
    """Label windows.

    Args:
        windows: one row a window; which victim it is does not matter.
        intensity: from which a stressor presses its axis, 0 to 1.
        fewest_pressed: in how many windows an axis is to be pressed to be judged at all.
    """
    ruled = by_rules(np.stack([window.during_values for window in windows]))
    pressed = ruled.copy()
    provenance = []
    conflicts = dict.fromkeys(AXES, 0)
    for index, window in enumerate(windows):
        if window.provenance is Provenance.OPERATOR:
            pressed[index] = [axis in window.pressed for axis in AXES]
            provenance.append(Provenance.OPERATOR)
        elif window.injected:
            strong = {injection.axis for injection in window.injected if injection.intensity >= intensity}
            pressed[index] = [axis in strong for axis in AXES]
            provenance.append(Provenance.INJECTED)
            for axis, stressor, rule in zip(AXES, pressed[index], ruled[index], strict=True):
                conflicts[axis] += int(not math.isnan(rule) and rule != stressor)
        else:
            provenance.append(Provenance.RULE)
    judged = tuple(
        axis
        for axis, column in zip(AXES, pressed.T, strict=True)
        if (column == 1.0).sum() >= fewest_pressed and (column == 0.0).any()
    )
    return Labels(pressed=pressed, provenance=tuple(provenance), conflicts=conflicts, judged=judged)


def by_rules(vectors: FloatArray) -> NDArray[np.float64]:
    """What the top-down rules say of some vectors.

    Args:
        vectors: float32 ``(n, len(schema))``, NaN for missing.

    Returns:
        float64 ``(n, len(AXES))``: 1 where all signs of an axis show, 0 where one present sign does not, else NaN.
    """
    said = np.full((len(vectors), len(AXES)), np.nan)
    for position, axis in enumerate(AXES):
        signs = RULES[axis]
        values = vectors[:, [FEATURE_SCHEMA_V1.index(sign.feature) for sign in signs]]
        levels = np.array([sign.at_least for sign in signs])
        said[(values >= levels).all(axis=1), position] = 1.0
        said[(values < levels).any(axis=1), position] = 0.0
    return said
