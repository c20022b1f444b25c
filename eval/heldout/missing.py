"""Held-out windows judged again as a node would see them that lacks one group of events.

Axes that nothing reveals any more are not judged; they are named, and in no figure."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.regime import Regime, judge
from contracts.vector import FloatArray
from eval.figure import Figure
from eval.heldout.report import MissingFigures
from pipelines.abstention import UNDECIDED
from pipelines.bootstrap import Resampling, over_groups
from pipelines.dataset import TraceDataset
from pipelines.event_groups import EVENT_GROUPS, lost_with
from pipelines.figures import axis_f1, macro_f1, outcomes_by_group
from pipelines.judged import by_axis, said_by
from pipelines.predictions import HeldOutRegimes
from serving.regime_model import RegimeModel

ModelWithout = Callable[[str], RegimeModel | None]
"""A workload group to a regime model that has not seen it, if there is one."""


def missing_figures(
    dataset: TraceDataset, regimes: HeldOutRegimes, model_without: ModelWithout, how: Resampling
) -> Iterator[MissingFigures]:
    """How well regimes are judged without each event group in turn, on the windows of the held-out predictions.

    A feature with a fallback that the node still counts keeps the value that was measured.

    Args:
        dataset: with the windows' vectors.
        regimes: what was said of them with all that their nodes count.
        model_without: who judges.
        how: bootstrap over workload groups.
    """
    models = {group: model_without(group) for group in np.unique(regimes.group).tolist()}
    if not any(models.values()):
        return
    vectors = np.stack([dataset.traces[index].during_values for index in regimes.trace.tolist()])
    for name, events in EVENT_GROUPS.items():
        blind = np.where(lost_with(events), np.float32(np.nan), vectors)
        yield _figures(name, _judged_again(regimes, blind, models), regimes, how)


def _judged_again(
    regimes: HeldOutRegimes, vectors: FloatArray, models: dict[str, RegimeModel | None]
) -> HeldOutRegimes:
    probability = np.full((len(regimes), len(AXES)), np.nan)
    said = np.full_like(probability, np.nan)
    words = np.full(len(regimes), Regime.UNKNOWN.value, dtype="<U16")
    for group, model in models.items():
        own = regimes.group == group
        if model is not None:
            probability[own] = by_axis(model.probabilities_of(vectors[own]))
            said[own] = said_by(model, probability[own])
            words[own] = [_word(*seen, model) for seen in zip(probability[own], vectors[own], strict=True)]
    return replace(regimes, probability=probability, said=said, regime=words)


def _word(probability: NDArray[np.float64], vector: FloatArray, model: RegimeModel) -> str:
    judgement = judge(
        dict(zip(AXES, probability.tolist(), strict=True)),
        present_features=int(np.count_nonzero(~np.isnan(vector))),
        characterised=True,
        thresholds=model.thresholds,
    )
    return judgement.regime.value


def _figures(name: str, regimes: HeldOutRegimes, whole: HeldOutRegimes, how: Resampling) -> MissingFigures:
    undecided = regimes.said == UNDECIDED
    counted = {"macro_f1": np.ones_like(undecided), "macro_f1_decided": ~undecided}
    figures = {}
    for what, chosen in counted.items():
        outcomes = outcomes_by_group(regimes, chosen)
        figures[what] = Figure.of(
            over_groups(macro_f1(outcomes, otherwise=0.0), len(outcomes), how), units=len(outcomes)
        )
    judged = ~np.isnan(regimes.said)
    return MissingFigures(
        group=name,
        macro_f1=figures["macro_f1"],
        macro_f1_decided=figures["macro_f1_decided"],
        undecided=float(undecided.sum() / max(judged.sum(), 1)),
        f1=axis_f1(regimes),
        contradicted=contradicted(whole.regime, regimes.regime, regimes.group, how),
        unseen=tuple(axis.value for axis, said in zip(AXES, regimes.said.T, strict=True) if np.isnan(said).all()),
    )


def contradicted(
    before: NDArray[np.str_], after: NDArray[np.str_], groups: NDArray[np.str_], how: Resampling
) -> Figure:
    """Share of windows whose regime became another, mean over groups; unknown is no answer and contradicts nobody."""
    changed = (before != after) & (before != Regime.UNKNOWN.value) & (after != Regime.UNKNOWN.value)
    shares = np.array([changed[groups == group].mean() for group in np.unique(groups)])
    return Figure.of(over_groups(lambda drawn: float(shares[drawn].mean()), len(shares), how), units=len(shares))
