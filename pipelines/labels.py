"""Which axes pressed a window: the injected stressor says so first, else top-down rules on the window's own vector.

A stressor settles its own axis, one way or the other by its intensity. That no other axis is pressed it can't show,
for workloads run beside it: where no stressor of an axis ran and the rule sees it pressed all the same, nobody can say,
and the label is NaN. An operator's label stands as it is. A rule that can't be judged, since its counters are missing,
gives no answer rather than a no.
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
from pipelines.agreement import AxisAgreement, agreement_of
from pipelines.errors import DataError


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of pressure: a feature at or above a level."""

    feature: str
    at_least: float


RULES: Mapping[Axis, tuple[Sign, ...]] = {
    Axis.LLC: (
        Sign("memory_bound_share", 0.25),
        Sign("l3_hit_stall_share", 0.2),
        Sign("llc_occupancy_share", 0.99),
        Sign("super_queue_full_share", 0.001),
    ),
    Axis.MEMBW: (
        Sign("memory_bound_share", 0.2),
        Sign("dram_utilisation", 0.45),
        Sign("super_queue_full_share", 0.03),
    ),
    Axis.SMT: (Sign("core_bound_share", 0.32), Sign("smt_overlap", 0.05)),
    Axis.FRONTEND: (Sign("fetch_latency_share", 0.4), Sign("icache_stall_share", 0.3)),
    Axis.TLB: (Sign("dtlb_walks", math.log1p(20.0)),),
    Axis.DDIO: (Sign("ddio_write_miss_ratio", 0.5), Sign("io_bandwidth_share", 0.1)),
    Axis.UPI: (Sign("upi_utilisation", 0.25), Sign("remote_dram_share", 0.4)),
    Axis.LOCK: (Sign("snoop_forward_share", 0.15), Sign("lock_loads", math.log1p(1.5))),
}
"""An axis is pressed where all its signs show. The shares of slots go up the tree of Yasin, "A Top-Down method", ISPASS
2014: memory bound before the cache or the memory is blamed, core bound before the sibling. A cache that is fought over
is full, cores wait for its hits, and now and then the queue behind the L2 is full too; under a stream it often is. A
loaded link carries loads of memory, not snoops alone. The levels are this project's own: about where windows with a
stressor at half intensity part from those with a weaker one, on the simulated campaign. Hardware may want others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """One label a window and axis.

    Attributes:
        pressed: float ``(n, len(AXES))``: 1 pressed, 0 not, NaN where nobody can say.
        provenance: where each window's label comes from.
        agreement: per axis, in the contract's order, what stressors and rules say of the windows that both speak of.
        judged: axes that are pressed in enough windows, and not in all: there is something to learn.
    """

    pressed: NDArray[np.float64]
    provenance: tuple[Provenance, ...]
    agreement: tuple[AxisAgreement, ...]
    judged: tuple[Axis, ...]


def label(windows: Sequence[LabelledTrace], *, intensity: float, fewest_pressed: int) -> Labels:
    """Label windows.

    Args:
        windows: one row a window; which victim it is does not matter.
        intensity: from which a stressor presses its axis, 0 to 1.
        fewest_pressed: in how many windows an axis is to be pressed to be judged at all.

    Raises:
        DataError: no axis is judged; says how often each is pressed.
    """
    ruled = by_rules(np.stack([window.during_values for window in windows]))
    stress = np.array([_stress(window) for window in windows])
    provenance = tuple(_provenance(window) for window in windows)
    injected = np.array([each is Provenance.INJECTED for each in provenance])
    pressed = ruled.copy()
    settled = np.where(stress >= intensity, 1.0, 0.0)
    pressed[injected] = np.where((stress == 0.0) & (ruled == 1.0), np.nan, settled)[injected]
    for index, window in enumerate(windows):
        if window.provenance is Provenance.OPERATOR:
            pressed[index] = [axis in window.pressed for axis in AXES]
    return Labels(
        pressed=pressed,
        provenance=provenance,
        agreement=agreement_of(stress[injected], ruled[injected], strong=intensity),
        judged=_judged(pressed, fewest_pressed),
    )


def _stress(window: LabelledTrace) -> list[float]:
    """Per axis the intensity of its strongest stressor, 0 without one."""
    return [max((each.intensity for each in window.injected if each.axis is axis), default=0.0) for axis in AXES]


def _provenance(window: LabelledTrace) -> Provenance:
    if window.provenance is Provenance.OPERATOR:
        return Provenance.OPERATOR
    return Provenance.INJECTED if window.injected else Provenance.RULE


def _judged(pressed: NDArray[np.float64], fewest_pressed: int) -> tuple[Axis, ...]:
    times = (pressed == 1.0).sum(axis=0)
    enough = (times >= fewest_pressed) & (pressed == 0.0).any(axis=0)
    if not enough.any():
        counts = ", ".join(f"{axis} in {count}" for axis, count in zip(AXES, times, strict=True))
        raise DataError(
            f"no axis can be judged: each is pressed in fewer than {fewest_pressed} of {len(pressed)} windows, or "
            f"never clear ({counts}); run a campaign with stressors, or lower fewest_pressed"
        )
    return tuple(axis for axis, judged in zip(AXES, enough, strict=True) if judged)


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
        levels = np.array([sign.at_least for sign in signs], dtype=np.float32)
        said[(values >= levels).all(axis=1), position] = 1.0
        said[(values < levels).any(axis=1), position] = 0.0
    return said
