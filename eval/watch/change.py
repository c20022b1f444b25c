"""What may change on a simulated site while nobody says so."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FloatArray
from eval.testbed.catalogue import workload
from eval.testbed.workload import Workload

_NEXT = "-next"
_COUNTED = 0.5
_PART = ("upf-large", "upf-small", "router", "firewall")


class Change(StrEnum):
    """What changes.

    ``family``: all functions are in their next release, half as hungry again as when they were profiled. ``part``: four
    are, and twice as hungry. ``firmware``: from then on every counter's feature shows half of what it did.
    """

    FAMILY = "family"
    PART = "part"
    FIRMWARE = "firmware"

    def growth(self, name: str) -> float:
        """Of a function's hunger; 1 where it is what it was."""
        if self is Change.FAMILY:
            return 1.5
        return 2.0 if self is Change.PART and name in _PART else 1.0


def population(names: Sequence[str], change: Change | None) -> tuple[Workload, ...]:
    """Who runs: those of the campaign, or in their place the next releases of those that grow."""
    before = tuple(workload(name) for name in names)
    if change is None:
        return before
    return tuple(
        _next_release(one, change.growth(one.name)) if change.growth(one.name) > 1.0 else one for one in before
    )


def _next_release(grown: Workload, growth: float) -> Workload:
    """Hungrier, and known by the profile of the release before."""
    was = grown.behaviour
    hungrier = replace(
        was,
        footprint_bytes=growth * was.footprint_bytes,
        llc_accesses=growth * was.llc_accesses,
        hit_exposed=min(1.0, growth * was.hit_exposed),
        miss_exposed=min(1.0, growth * was.miss_exposed),
    )
    return replace(grown, name=f"{grown.name}{_NEXT}", group=f"{grown.group}{_NEXT}", behaviour=hungrier)


def former_name(one: Workload) -> str:
    """Under which it was profiled: that of the release before."""
    return one.name.removesuffix(_NEXT)


def halved(values: FloatArray) -> FloatArray:
    """What counters show after the change of firmware."""
    lowest = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features], dtype=np.float32)
    return np.asarray(lowest + np.float32(_COUNTED) * (values - lowest), dtype=np.float32)
