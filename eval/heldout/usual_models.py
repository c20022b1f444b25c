"""What is usually done instead, held out as the model is: the mean, a linear sum over pairs, boosting as it comes.

None of them is calibrated over workload groups: each bounds by the stated rate's quantile of rows that it was fitted
on. The sum over co-runners stands here alone, to be compared with; nothing that serves adds workloads up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.profile import Tier
from contracts.vector import FloatArray
from pipelines.dataset import TraceDataset
from pipelines.folds import Folds
from pipelines.interference_rows import InterferenceRows
from pipelines.training_data import TrainingData
from serving.interference_row import known_workload

DoubleArray = NDArray[np.float64]

_TREES = {"max_depth": 6, "eta": 0.1, "nthread": 1, "seed": 1, "verbosity": 0, "tree_method": "hist"}
_ROUNDS = 100
"""XGBoost's own depth, and what its introductions set else: nobody has tuned this for workloads unseen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """What a usual model said of rows that it had not seen: slowdowns of ``(n,)``."""

    median: DoubleArray
    upper: DoubleArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Rows of victims whose answers to probes are known; arrays of one length ``n``.

    Attributes:
        matrix: float32 ``(n, len(INTERFERENCE_COLUMNS))``.
        pairs: float64 ``(n, len(AXES))``, each pair's pressure times sensitivity, summed over co-runners.
        slowdown: float64 ``(n,)``.
    """

    matrix: FloatArray
    pairs: DoubleArray
    slowdown: DoubleArray

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Part":
        """Some of the rows."""
        return Part(matrix=self.matrix[chosen], pairs=self.pairs[chosen], slowdown=self.slowdown[chosen])


Predictor = Callable[[Part], Fitted]
"""From rows to what is said of them."""
UsualModel = Callable[[Part, float], Predictor]
"""From rows to fit on and the stated rate."""


def mean(seen: Part, rate: float) -> Predictor:
    """The mean slowdown of all, whatever is asked."""
    middle = float(seen.slowdown.mean())
    bound = middle + float(np.quantile(seen.slowdown - middle, rate))

    def said(asked: Part) -> Fitted:
        return Fitted(median=np.full(len(asked.slowdown), middle), upper=np.full(len(asked.slowdown), bound))

    return said


def linear_pairwise_sum(seen: Part, rate: float) -> Predictor:
    """Ordinary least squares: every co-runner adds its own slowdown, an axis at a time."""
    design = np.column_stack([np.ones(len(seen.pairs)), seen.pairs])
    weights, *_ = np.linalg.lstsq(design, seen.slowdown, rcond=None)
    residual = float(np.quantile(seen.slowdown - design @ weights, rate))

    def said(asked: Part) -> Fitted:
        middle = np.column_stack([np.ones(len(asked.pairs)), asked.pairs]) @ weights
        return Fitted(median=np.asarray(np.maximum(middle, 1.0)), upper=np.asarray(np.maximum(middle + residual, 1.0)))

    return said


def plain_xgboost(seen: Part, rate: float) -> Predictor:
    """XGBoost's own quantile regression on the same columns: no constraint, no weights, no calibration."""
    import xgboost  # noqa: PLC0415

    data = xgboost.QuantileDMatrix(seen.matrix, seen.slowdown, nthread=1)
    trees = [
        xgboost.train(_TREES | {"objective": "reg:quantileerror", "quantile_alpha": quantile}, data, _ROUNDS)
        for quantile in (0.5, rate)
    ]

    def said(asked: Part) -> Fitted:
        median, upper = (np.asarray(fit.inplace_predict(asked.matrix), dtype=np.float64) for fit in trees)
        return Fitted(median=median, upper=upper)

    return said


USUAL_MODELS: dict[str, UsualModel] = {
    "mean": mean,
    "linear pairwise sum": linear_pairwise_sum,
    "plain XGBoost": plain_xgboost,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsualModels:
    """All usual models, fitted without each fold.

    Attributes:
        folds: groups of each fold.
        predictors: by name, one a fold.
    """

    folds: tuple[frozenset[str], ...]
    predictors: Mapping[str, tuple[Predictor, ...]]

    def bounds(
        self, rows: Part, *, traces: NDArray[np.int64], groups: NDArray[np.str_]
    ) -> Iterator[tuple[str, Fitted]]:
        """Each model's bounds of some rows, by the fit that has not seen the fold of each one's unseen group.

        Args:
            rows: to choose from.
            traces: int ``(n,)``, positions of the rows that are asked about.
            groups: str ``(n,)``, which group of each is unseen.
        """
        for name, predictors in self.predictors.items():
            median, upper = np.empty(len(traces)), np.empty(len(traces))
            for unseen, predictor in zip(self.folds, predictors, strict=True):
                chosen = np.isin(groups, sorted(unseen))
                if chosen.any():
                    said = predictor(rows.only(traces[chosen]))
                    median[chosen], upper[chosen] = said.median, said.upper
            yield name, Fitted(median=np.minimum(median, upper), upper=upper)


def fitted_usual_models(seen: Part, folds: Folds, *, rate: float) -> UsualModels:
    """Fit all of them.

    Args:
        seen: rows to fit on.
        folds: the model's own, over these rows.
        rate: as stated.
    """
    without = [folds.without({fold}) for fold in range(len(folds.folds))]
    return UsualModels(
        folds=folds.folds,
        predictors={
            name: tuple(model(seen.only(rows), rate) for rows in without) for name, model in USUAL_MODELS.items()
        },
    )


def part_of(data: TrainingData) -> Part:
    """One row a trace, in their order; as of tier ``counters`` where a victim was never probed."""
    return Part(
        matrix=data.rows.matrix[_best_known(data.rows, len(data.dataset.traces))],
        pairs=np.array(_pairs(data.dataset)),
        slowdown=np.array([trace.slowdown for trace in data.dataset.traces]),
    )


def _best_known(rows: InterferenceRows, traces: int) -> NDArray[np.intp]:
    chosen = np.empty(traces, dtype=np.intp)
    for tier in (Tier.COUNTERS, Tier.PROBED):
        own = np.flatnonzero(rows.of_tier(tier))
        chosen[rows.trace[own]] = own
    return chosen


def _pairs(dataset: TraceDataset) -> Sequence[DoubleArray]:
    known = {digest: known_workload(profile) for digest, profile in dataset.profiles_by_digest.items()}
    summed = []
    for trace in dataset.traces:
        excess = np.nan_to_num(known[trace.victim.profile].sensitivities.astype(np.float64) - 1.0)
        pressures = [np.nan_to_num(known[party.profile].pressures.astype(np.float64)) for party in trace.co_runners]
        summed.append(excess * np.sum(pressures, axis=0) if pressures else np.zeros(len(AXES)))
    return summed
