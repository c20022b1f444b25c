"""Labelled traces as one flat table, as expectations are stated over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from pipelines.dataset import TraceDataset

if TYPE_CHECKING:
    from pandas import DataFrame


def trace_table(dataset: TraceDataset) -> DataFrame:
    """One row a trace: its keys and label, and each feature as ``before.<name>`` and ``during.<name>``."""
    import pandas as pd  # noqa: PLC0415

    profiles = dataset.profiles_by_digest
    traces = dataset.traces
    columns = {
        "node": [trace.node for trace in traces],
        "domain": [trace.domain for trace in traces],
        "window_start_ns": [trace.window_start_ns for trace in traces],
        "window_seconds": [trace.window_length_ns / 1e9 for trace in traces],
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
    }
    table = pd.DataFrame(columns)
    for part in ("before", "during"):
        matrix = np.stack([getattr(trace, f"{part}_values") for trace in traces]).astype(np.float64)
        features = pd.DataFrame(matrix, columns=[f"{part}.{name}" for name in FEATURE_SCHEMA_V1.names])
        table = pd.concat([table, features], axis=1)
    return table


def _profile_is_younger(trace: LabelledTrace, profiles: Mapping[str, WorkloadProfile]) -> bool:
    """Whether a profile that a row names was still being made when the row's window began: it would know the answer."""
    last = max(profiles[party.profile].last_seen for party in (trace.victim, *trace.co_runners))
    return last.timestamp() * 1e9 > trace.window_start_ns
