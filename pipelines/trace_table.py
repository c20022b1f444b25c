"""Labelled traces as one flat table, as expectations are stated over it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.events import Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace, Provenance
from contracts.vector import FloatArray
from pipelines.dataset import TraceDataset
from pipelines.event_groups import features_of

if TYPE_CHECKING:
    from pandas import DataFrame

KEYS = ("campaign", "node", "domain", "window_start_ns", "victim")
"""Columns that tell a row from all others, as ``pipelines.dataset.trace_key`` does."""
PARTS = ("before", "during")
COUNTING = tuple(pmu for pmu in Pmu if pmu is not Pmu.NODE and features_of(frozenset({pmu})).any())
"""PMUs that some feature is counted by; the node's own ceilings and sizes are no counts."""


def trace_table(dataset: TraceDataset) -> DataFrame:
    """One row a trace: its keys and label, what is wrong with them if anything, and each feature of both vectors.

    Columns beside the trace's own:
        row: position in the dataset.
        profile_is_younger: see ``_profile_is_younger``.
        own_co_runners: co-runners that are the victim itself.
        seconds_since_previous_window: since the end of the domain's previous one in that campaign, NaN for the first.
        highest_intensity: of the stressors, NaN without one.
        provenance_fits_stressors: a stressor's label has a stressor, a rule's has none.
        axes_against_stressors: axes whose label says other than the stressors, joined by ``+``.
        <part>.axes_without_features: axes of which no row of the campaign has any feature, joined by ``+``.
        <part>.missing_of_<pmu>: share of the features that need the PMU and are missing, 0 to 1.
        <part>.<feature>: as the vector has it.
    """
    import pandas as pd  # noqa: PLC0415

    profiles = dataset.profiles_by_digest
    traces = dataset.traces
    campaigns = [trace.campaign for trace in traces]
    columns = {
        "row": list(range(len(traces))),
        "campaign": campaigns,
        "node": [trace.node for trace in traces],
        "domain": [trace.domain for trace in traces],
        "window_start_ns": [trace.window_start_ns for trace in traces],
        "window_seconds": [trace.window_length_ns / 1e9 for trace in traces],
        "seconds_since_previous_window": _seconds_since_previous(traces),
        "victim": [trace.victim.key for trace in traces],
        "victim_group": [trace.victim.group for trace in traces],
        "victim_tier": [profiles[trace.victim.profile].tier.value for trace in traces],
        "victim_is_conservative": [profiles[trace.victim.profile].conservative for trace in traces],
        "own_co_runners": [sum(party.key == trace.victim.key for party in trace.co_runners) for trace in traces],
        "co_runners": [len(trace.co_runners) for trace in traces],
        "profile_is_younger": [_profile_is_younger(trace, profiles) for trace in traces],
        "slowdown": [trace.slowdown for trace in traces],
        "provenance": [trace.provenance.value for trace in traces],
        "pressed": ["+".join(trace.pressed) for trace in traces],
        "highest_intensity": [max((each.intensity for each in trace.injected), default=np.nan) for trace in traces],
        "provenance_fits_stressors": [_provenance_fits(trace) for trace in traces],
        "axes_against_stressors": ["+".join(_against_stressor(trace)) for trace in traces],
    }
    matrices = {part: np.stack([getattr(trace, f"{part}_values") for trace in traces]) for part in PARTS}
    parts = [_part_table(part, matrix, campaigns) for part, matrix in matrices.items()]
    return pd.concat([pd.DataFrame(columns), *parts], axis=1)


def _part_table(part: str, matrix: FloatArray, campaigns: Sequence[str]) -> DataFrame:
    import pandas as pd  # noqa: PLC0415

    missing = np.isnan(matrix)
    columns: dict[str, object] = {f"{part}.axes_without_features": _axes_unseen(missing, campaigns)}
    for pmu in COUNTING:
        columns[f"{part}.missing_of_{pmu.value}"] = missing[:, features_of(frozenset({pmu}))].mean(axis=1)
    features = dict(zip(FEATURE_SCHEMA_V1.names, matrix.T.astype(np.float64), strict=True))
    return pd.DataFrame(columns | {f"{part}.{name}": column for name, column in features.items()})


def _axes_unseen(missing: NDArray[np.bool_], campaigns: Sequence[str]) -> list[str]:
    """Per row, what its whole campaign is blind to."""
    names = np.array(campaigns)
    unseen = {}
    for campaign in np.unique(names):
        never = missing[names == campaign].all(axis=0)
        unseen[str(campaign)] = "+".join(axis for axis, reveal in _REVEALS.items() if never[reveal].all())
    return [unseen[campaign] for campaign in campaigns]


_REVEALS: Mapping[Axis, list[int]] = {
    axis: [place for place, spec in enumerate(FEATURE_SCHEMA_V1.features) if axis in spec.axes] for axis in AXES
}
"""Positions of the features that reveal an axis."""


def _seconds_since_previous(traces: Sequence[LabelledTrace]) -> list[float]:
    """In order of time, whatever the order of rows; a second victim of a window has its first one's."""
    since: dict[_Window, float] = {}
    earlier: _Window | None = None
    for window in sorted({_window(trace) for trace in traces}):
        is_first = earlier is None or earlier[:3] != window[:3]
        since[window] = math.nan if earlier is None or is_first else (window[3] - earlier[4]) / 1e9
        earlier = window if earlier is None or is_first else (*window[:4], max(earlier[4], window[4]))
    return [since[_window(trace)] for trace in traces]


_Window = tuple[str, str, str, int, int]
"""Campaign, node, domain, start and end in nanoseconds."""


def _window(trace: LabelledTrace) -> _Window:
    start = trace.window_start_ns
    return trace.campaign, trace.node, trace.domain, start, start + trace.window_length_ns


def _profile_is_younger(trace: LabelledTrace, profiles: Mapping[str, WorkloadProfile]) -> bool:
    """Whether a profile that a row names was still being made when the row's window began: it would know the answer."""
    last = max(profiles[party.profile].last_seen for party in (trace.victim, *trace.co_runners))
    return last.timestamp() * 1e9 > trace.window_start_ns


def _provenance_fits(trace: LabelledTrace) -> bool:
    return trace.provenance is Provenance.OPERATOR or (trace.provenance is Provenance.INJECTED) == bool(trace.injected)


def _against_stressor(trace: LabelledTrace) -> Iterator[Axis]:
    """Axes labelled pressed that no stressor ran on, and axes of a stressor at full intensity that are not."""
    if trace.provenance is not Provenance.INJECTED:
        return
    stressed = {injection.axis for injection in trace.injected}
    full = {injection.axis for injection in trace.injected if injection.intensity >= 1.0}
    for axis in AXES:
        if (axis in trace.pressed and axis not in stressed) or (axis in full and axis not in trace.pressed):
            yield axis
