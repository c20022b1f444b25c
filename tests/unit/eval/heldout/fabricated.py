"""Held-out predictions that nobody was trained for: a bound of a stated size, probabilities that repeat the labels."""

import numpy as np

from contracts.axis import AXES
from contracts.profile import Tier
from contracts.regime import Regime
from pipelines.dataset import TraceDataset
from pipelines.folds import workload_groups
from pipelines.labels import by_rules
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions, HeldOutRegimes
from pipelines.windows import windows_of

RATE = 0.7


def predictions_on(dataset: TraceDataset, *, upper: float, worse_group: str | None = None) -> HeldOutPredictions:
    """Bounds of ``upper`` for all rows, of 0.95 for one group's, whose rows then hardly ever hold."""
    rows = [
        (group, kind, tier, index)
        for group in workload_groups(dataset.traces)
        for index, trace in enumerate(dataset.traces)
        if group in trace.groups
        for kind in [HeldOutKind.UNSEEN_VICTIM if trace.victim.group == group else HeldOutKind.UNSEEN_CO_RUNNER]
        for tier in (Tier.COUNTERS, Tier.PROBED)
    ]
    traces = np.array([index for *_, index in rows])
    groups = np.array([group for group, *_ in rows])
    slowdowns = np.array([trace.slowdown for trace in dataset.traces])[traces]
    return HeldOutPredictions(
        rate=RATE,
        bounds=HeldOutBounds(
            group=groups,
            kind=np.array([kind.value for _, kind, *_ in rows]),
            tier=np.array([tier.value for *_, tier, _ in rows]),
            trace=traces,
            slowdown=slowdowns,
            censored=np.zeros(len(rows), dtype=np.bool_),
            median=np.full(len(rows), 0.95),
            upper=np.where(groups == worse_group, 0.95, upper),
            beyond_training=np.zeros(len(rows), dtype=np.bool_),
        ),
        regimes=_regimes(dataset),
    )


def _regimes(dataset: TraceDataset) -> HeldOutRegimes:
    windows = windows_of(dataset.traces)
    labels = by_rules(windows.vectors)
    for position, trace in enumerate(windows.traces):
        if trace.injected:
            labels[position] = [axis in trace.pressed for axis in AXES]
    rows = [
        (group, position)
        for group in workload_groups(dataset.traces)
        for position, trace in enumerate(windows.traces)
        if group in trace.groups
    ]
    positions = np.array([position for _, position in rows])
    pressed = labels[positions]
    return HeldOutRegimes(
        group=np.array([group for group, _ in rows]),
        trace=windows.row[positions].astype(np.int64),
        provenance=np.array([windows.traces[position].provenance.value for position in positions]),
        regime=np.array([Regime.QUIET.value] * len(rows)),
        pressed=pressed,
        probability=np.nan_to_num(pressed, nan=0.0),
        said=np.nan_to_num(pressed, nan=0.0),
    )
