"""What the model is compared with, held out as it is: figures mean something only beside these.

Each baseline bounds slowdowns and judges regimes, from the rows that the model of the same fold was trained on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier
from contracts.trace import LabelledTrace
from eval.heldout.asked import Asked
from eval.heldout.usual_models import UsualModels, fitted_usual_models, part_of
from pipelines.conformal import margin
from pipelines.labels import by_rules
from pipelines.predictions import HeldOutBounds, HeldOutPredictions
from pipelines.training_data import TrainingData

DoubleArray = NDArray[np.float64]
BoundRule = Callable[[Sequence[LabelledTrace], float], float]
"""From training rows and the stated rate to one bound for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a baseline said of workloads that it had not seen.

    Attributes:
        bounder: how it bounds; ``None`` where its bounds are not worth a look.
        judge: how it judges; ``None`` where it judges no regimes, and those of its predictions are the model's.
        predictions: in the model's own form, each row once, as of tier ``probed`` where its victim was probed.
        judges_by_rule: its regimes are the very rules that label windows without a stressor, so that only windows with
            one can tell how good they are.
    """

    bounder: str | None
    judge: str | None
    predictions: HeldOutPredictions
    judges_by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baselines:
    """All baselines, fitted without each fold of the model's own.

    Attributes:
        folds: groups of each fold.
        constants: by bounder, per fold the bound and the middle prediction of whatever is asked.
        majority: bool ``(folds, len(AXES))``, pressed in more than half of the training windows that say so.
        usual: what is usually done.
    """

    folds: tuple[frozenset[str], ...]
    constants: Mapping[str, tuple[tuple[float, float], ...]]
    majority: NDArray[np.bool_]
    usual: UsualModels

    def said(self, asked: Asked) -> Iterator[Baseline]:
        """What they say of the rows that the model was asked about: what needs no model, then what is usually done."""
        predictions = asked.predictions
        rows = predictions.bounds.only(_once(predictions.bounds, asked.data))
        judges = {CONSTANT: ("majority", self._majority(predictions)), CALIBRATED: (RULES, _rules(asked))}
        for bounder, (judge, judged) in judges.items():
            yield Baseline(
                bounder=bounder,
                judge=judge,
                predictions=_said(predictions, bounds=self._constant(rows, bounder), judged=judged),
                judges_by_rule=judge == RULES,
            )
        always = np.ones_like(predictions.regimes.probability)
        yield Baseline(
            bounder=None, judge="all axes, always", predictions=_said(predictions, bounds=rows, judged=always)
        )
        part = part_of(asked.data)
        for name, said in self.usual.bounds(part, traces=rows.trace, groups=rows.group):
            bounds = replace(rows, median=said.median, upper=said.upper)
            yield Baseline(bounder=name, judge=None, predictions=replace(predictions, bounds=bounds))

    def _constant(self, rows: HeldOutBounds, bounder: str) -> HeldOutBounds:
        upper, median = np.empty(len(rows)), np.empty(len(rows))
        for groups, (bound, middle) in zip(self.folds, self.constants[bounder], strict=True):
            chosen = np.isin(rows.group, sorted(groups))
            upper[chosen], median[chosen] = bound, middle
        return replace(rows, upper=upper, median=np.minimum(median, upper))

    def _majority(self, predictions: HeldOutPredictions) -> DoubleArray:
        judged = np.zeros_like(predictions.regimes.probability)
        for groups, pressed in zip(self.folds, self.majority, strict=True):
            judged[np.isin(predictions.regimes.group, sorted(groups))] = pressed
        return judged


def fitted_baselines(data: TrainingData, *, rate: float) -> Baselines:
    """Fit all baselines on the rows and folds that the model was fitted on, and on its labels."""
    folds = data.folds
    training = [folds.without({fold}) for fold in range(len(folds.folds))]
    return Baselines(
        folds=folds.folds,
        constants={
            name: tuple(_constant(rule, data, rows, rate) for rows in training) for name, rule in _RULES.items()
        },
        majority=np.array([_mostly(data.labels.pressed[rows[data.windows.row]]) for rows in training]),
        usual=fitted_usual_models(part_of(data), folds, rate=rate),
    )


def quantile_bound(traces: Sequence[LabelledTrace], rate: float) -> float:
    """The rate's quantile of the training slowdowns: holds for as many rows, if workloads were all alike."""
    return float(np.quantile([trace.slowdown for trace in traces], rate))


def calibrated_bound(traces: Sequence[LabelledTrace], rate: float) -> float:
    """The constant that is calibrated over whole workload groups as the model's margin is: the same promise."""
    logs = np.log([trace.slowdown for trace in traces])
    return float(np.exp(margin(logs, [trace.victim.group for trace in traces], rate=rate)))


CONSTANT, CALIBRATED = "constant quantile", "calibrated constant"
RULES = "top-down rules"
_RULES: Mapping[str, BoundRule] = {CONSTANT: quantile_bound, CALIBRATED: calibrated_bound}


def _constant(rule: BoundRule, data: TrainingData, rows: NDArray[np.bool_], rate: float) -> tuple[float, float]:
    traces = [data.dataset.traces[index] for index in np.flatnonzero(rows).tolist()]
    return rule(traces, rate), float(np.median([trace.slowdown for trace in traces]))


def _mostly(pressed: DoubleArray) -> NDArray[np.bool_]:
    known = ~np.isnan(pressed)
    return np.asarray(np.where(known, pressed, 0.0).sum(axis=0) > 0.5 * np.maximum(known.sum(axis=0), 1))


def _once(rows: HeldOutBounds, data: TrainingData) -> NDArray[np.bool_]:
    """Each row once for a group: as of tier ``probed`` where its victim was probed."""
    probed = np.zeros(len(data.dataset.traces), dtype=np.bool_)
    probed[data.rows.trace[data.rows.of_tier(Tier.PROBED)]] = True
    return np.asarray((rows.tier == Tier.PROBED.value) | ~probed[rows.trace])


def _said(model: HeldOutPredictions, *, bounds: HeldOutBounds, judged: DoubleArray) -> HeldOutPredictions:
    regimes = model.regimes
    probability = np.where(np.isnan(regimes.probability), np.nan, judged)
    return replace(model, bounds=bounds, regimes=replace(regimes, probability=probability, said=probability))


def _rules(asked: Asked) -> DoubleArray:
    """A rule whose counters are missing presses nothing."""
    place = np.full(len(asked.data.dataset.traces), -1)
    place[asked.data.windows.row] = np.arange(len(asked.data.windows.row))
    vectors = asked.data.windows.vectors[place[asked.predictions.regimes.trace]]
    return np.nan_to_num(by_rules(vectors), nan=0.0)
