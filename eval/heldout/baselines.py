"""What the model is compared with, held out as it is: figures mean something only beside these.

Each baseline bounds slowdowns and judges regimes, from the rows that the model of the same fold was trained on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier
from contracts.slowdown import SLOWDOWN_CEILING
from contracts.trace import LabelledTrace
from eval.heldout.usual_models import held_out_bounds
from pipelines.conformal import margin
from pipelines.dataset import TraceDataset
from pipelines.folds import Folds, folds_of
from pipelines.labels import by_rules
from pipelines.predictions import HeldOutPredictions

DoubleArray = NDArray[np.float64]
BoundRule = Callable[[Sequence[LabelledTrace], float], float]
"""From training rows and the stated rate to one bound for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a baseline said of workloads that it had not seen.

    Attributes:
        bounder: how it bounds; ``None`` where its bounds are not worth a look.
        judge: how it judges; ``None`` where it judges no regimes, and those of its predictions are the model's.
        predictions: in the model's own form, each row once, as of tier ``probed``.
        judges_by_rule: its regimes are the very rules that label windows without a stressor, so that only windows with
            one can tell how good they are.
    """

    bounder: str | None
    judge: str | None
    predictions: HeldOutPredictions
    judges_by_rule: bool = False


def baselines(dataset: TraceDataset, predictions: HeldOutPredictions, *, folds: int) -> Iterator[Baseline]:
    """All baselines on the model's own folds: first what needs no model, then what is usually done.

    Args:
        dataset: what was trained on.
        predictions: the model's, for the rows and labels that it was asked about.
        folds: at most, as in the training's settings.
    """
    cut = folds_of(dataset.traces, at_most=folds)
    yield Baseline(
        bounder="constant quantile",
        judge="majority",
        predictions=_said(dataset, predictions, cut, bound=quantile_bound, judged=_majority(predictions, cut)),
    )
    yield Baseline(
        bounder="calibrated constant",
        judge="top-down rules",
        predictions=_said(dataset, predictions, cut, bound=calibrated_bound, judged=_rules(dataset, predictions)),
        judges_by_rule=True,
    )
    yield Baseline(
        bounder=None,
        judge="all axes, always",
        predictions=_said(
            dataset, predictions, cut, bound=ceiling_bound, judged=np.ones_like(predictions.regimes.probability)
        ),
    )
    rows = predictions.bounds.only(predictions.bounds.tier == Tier.PROBED.value)
    for name, said in held_out_bounds(dataset, cut, traces=rows.trace, groups=rows.group, rate=predictions.rate):
        bounds = replace(rows, median=said.median, upper=said.upper)
        yield Baseline(bounder=name, judge=None, predictions=replace(predictions, bounds=bounds))


def quantile_bound(traces: Sequence[LabelledTrace], rate: float) -> float:
    """The rate's quantile of the training slowdowns: holds for as many rows, if workloads were all alike."""
    return float(np.quantile([trace.slowdown for trace in traces], rate))


def calibrated_bound(traces: Sequence[LabelledTrace], rate: float) -> float:
    """The constant that is calibrated over whole workload groups as the model's margin is: the same promise."""
    logs = np.log([trace.slowdown for trace in traces])
    return float(np.exp(margin(logs, [trace.victim.group for trace in traces], rate=rate)))


def ceiling_bound(_: Sequence[LabelledTrace], __: float) -> float:
    """Always right, and never of use."""
    return SLOWDOWN_CEILING


def _said(
    dataset: TraceDataset, model: HeldOutPredictions, folds: Folds, *, bound: BoundRule, judged: DoubleArray
) -> HeldOutPredictions:
    rows = model.bounds.only(model.bounds.tier == Tier.PROBED.value)
    upper, median = np.empty(len(rows)), np.empty(len(rows))
    for fold, groups in enumerate(folds.folds):
        chosen = np.isin(rows.group, sorted(groups))
        training = [dataset.traces[index] for index in np.flatnonzero(folds.without({fold})).tolist()]
        upper[chosen] = bound(training, model.rate)
        median[chosen] = np.median([trace.slowdown for trace in training])
    regimes = model.regimes
    probability = np.where(np.isnan(regimes.probability), np.nan, judged)
    return replace(
        model,
        bounds=replace(rows, upper=upper, median=np.minimum(median, upper)),
        regimes=replace(regimes, probability=probability, said=probability),
    )


def _majority(model: HeldOutPredictions, folds: Folds) -> DoubleArray:
    """Pressed where more than half of the training windows that say so are."""
    regimes = model.regimes
    judged = np.zeros_like(regimes.probability)
    windows, first = np.unique(regimes.trace, return_index=True)
    for fold, groups in enumerate(folds.folds):
        training = first[folds.without({fold})[windows]]
        pressed = regimes.pressed[training]
        known = ~np.isnan(pressed)
        share = np.where(known, pressed, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        judged[np.isin(regimes.group, sorted(groups))] = share > 0.5
    return judged


def _rules(dataset: TraceDataset, model: HeldOutPredictions) -> DoubleArray:
    """A rule whose counters are missing presses nothing."""
    vectors = np.stack([dataset.traces[index].during_values for index in model.regimes.trace.tolist()])
    return np.nan_to_num(by_rules(vectors), nan=0.0)
