"""Events that a node lacks together, and the features that are gone with them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contracts.events import EVENTS, Pmu, event
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of


def _counted_by(*pmus: Pmu) -> frozenset[str]:
    return frozenset(name for name, each in EVENTS.items() if each.pmu in pmus)


_UNCORE = _counted_by(Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO)
_METRICS = frozenset(name for name in EVENTS if name.startswith("PERF_METRICS.") or name == "TOPDOWN.SLOTS")
_RESCTRL = _counted_by(Pmu.RESCTRL)

EVENT_GROUPS: Mapping[str, frozenset[str]] = {
    "uncore": _UNCORE,
    "core": _counted_by(Pmu.CORE),
    "resctrl": _RESCTRL,
    "metrics": _METRICS,
    "iio": _counted_by(Pmu.IIO),
    "virtual-machine": _UNCORE | _METRICS | _RESCTRL,
}
"""Why a node lacks them: no uncore driver; isolated CPUs that are never read; no resctrl; a hypervisor without top-down
metrics; IIO boxes that are not offered; a virtual machine, whose core events alone are left."""


def features_of(pmus: frozenset[Pmu]) -> NDArray[np.bool_]:
    """bool ``(len(schema),)``, features whose first formula needs one of these PMUs."""
    return np.array(
        [any(event(name).pmu in pmus for name in events_of(spec.formulas[0])) for spec in FEATURE_SCHEMA_V1.features]
    )


def lost_with(events: frozenset[str]) -> NDArray[np.bool_]:
    """bool ``(len(schema),)``, features of which no formula, the fallbacks included, does without these events."""
    return np.array(
        [all(events & events_of(formula) for formula in spec.formulas) for spec in FEATURE_SCHEMA_V1.features]
    )
