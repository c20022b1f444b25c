"""How fast a workload's own observations tighten its bound, and whether it then still holds: rows never seen, replayed.

A held-out workload's windows are drawn in random order. The first ones are its observations, the others are asked
about; models and population margins have seen none of either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.profile import Tier
from contracts.slowdown import SLOWDOWN_CEILING
from eval.figure import Figure
from eval.heldout.report import ObservedFigures
from pipelines.bootstrap import Resampling, over_groups
from pipelines.dataset import TraceDataset
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions
from serving.observed_bound import own_margin

AFTER = (0, 5, 10, 20, 40)
"""Observations after which bounds are looked at."""

FEWEST_ASKED = 10
"""A workload with fewer windows left than this says nothing."""

ORDERS = 4
"""Random orders a workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """Of one workload after so many observations: means over windows and orders."""

    coverage: float
    tightness: float


def observed_figures(
    dataset: TraceDataset, predictions: HeldOutPredictions, how: Resampling
) -> tuple[ObservedFigures, ...]:
    """Figures of probed victims by how often they were observed, over workload groups."""
    bounds = predictions.bounds.only(
        (predictions.bounds.tier == Tier.PROBED.value)
        & (predictions.bounds.kind == HeldOutKind.UNSEEN_VICTIM.value)
        & ~predictions.bounds.beyond_training
    )
    keys = np.array([dataset.traces[index].victim.key for index in bounds.trace.tolist()])
    rng = np.random.default_rng(how.seed)
    by_group: dict[str, list[Mapping[int, _Replay]]] = {}
    for key in np.unique(keys).tolist():
        own = bounds.only(keys == key)
        if len(own) >= max(AFTER) + FEWEST_ASKED:
            by_group.setdefault(str(own.group[0]), []).append(dict(_replayed(own, predictions.rate, rng)))
    if not by_group:
        return ()
    return tuple(
        ObservedFigures(
            observations=count,
            coverage=_figure([[w[count].coverage for w in group] for group in by_group.values()], how),
            mean_tightness=_figure([[w[count].tightness for w in group] for group in by_group.values()], how),
            coverage_worst_workload=min(w[count].coverage for group in by_group.values() for w in group),
        )
        for count in AFTER
    )


def _replayed(own: HeldOutBounds, rate: float, rng: np.random.Generator) -> Iterator[tuple[int, _Replay]]:
    """The population's margin is zero here: scores are taken against the bound, which has it already."""
    scores = np.where(own.censored, np.inf, np.log(own.slowdown / own.upper))
    orders = [rng.permutation(len(own)) for _ in range(ORDERS)]
    for count in AFTER:
        held, tightness = [], []
        for order in orders:
            seen, asked = order[:count], order[count:]
            margin = own_margin(scores[seen].tolist(), population=0.0, rate=rate)
            upper = np.clip(own.upper[asked] * np.exp(margin), 1.0, SLOWDOWN_CEILING)
            held.append(float((own.slowdown[asked] <= upper).mean()))
            tightness.append(float((upper / own.slowdown[asked]).mean()))
        yield count, _Replay(coverage=float(np.mean(held)), tightness=float(np.mean(tightness)))


def _figure(workloads: list[list[float]], how: Resampling) -> Figure:
    means = np.array([np.mean(group) for group in workloads])
    return Figure.of(over_groups(lambda drawn: float(means[drawn].mean()), len(means), how), units=len(means))
