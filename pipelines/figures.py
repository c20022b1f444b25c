"""Figures of predictions on workloads never seen, each with its interval over workload groups."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.bundle import HeldOutFigure
from contracts.regime import Regime
from contracts.slowdown import SLOWDOWN_CEILING
from contracts.trace import Provenance
from pipelines.abstention import PRESSED, UNDECIDED
from pipelines.bootstrap import Interval, Resampling, Statistic, over_groups
from pipelines.errors import DataError
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions, HeldOutRegimes


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutFigures:
    """All figures.

    Of regimes: ``regime.macro_f1``; ``regime.macro_f1_injected``, on windows that a stressor labelled, not a rule;
    ``regime.macro_f1_decided``, where an axis is not left undecided (the others count such an axis as not pressed);
    ``regime.undecided``, the share of axes left undecided; ``regime.abstention``, the share of windows judged unknown.

    Of bounds: ``bound.<tier>.<kind>.<what>`` where ``what`` is ``coverage``, the mean over groups of the share of rows
    that the bound held for; ``coverage_pooled``, the share of all rows; ``coverage_worst_group``; ``tightness`` and
    ``mean_tightness``, the median and the mean of bound over slowdown; ``ceiling``, the share of bounds that are the
    ceiling; ``median_error`` and ``mean_error``, the median and the mean of the middle prediction's absolute relative
    error.
    """

    figures: tuple[HeldOutFigure, ...]

    def of(self, name: str) -> HeldOutFigure:
        """One figure.

        Raises:
            DataError: there is no such figure.
        """
        found = next((figure for figure in self.figures if figure.name == name), None)
        if found is None:
            raise DataError(
                f"no held-out figure is named {name!r}: there are {', '.join(figure.name for figure in self.figures)}"
            )
        return found


def figures_of(predictions: HeldOutPredictions, how: Resampling) -> HeldOutFigures:
    """All figures of some predictions."""
    return HeldOutFigures(
        figures=(*_regime_figures(predictions, how), *_bound_figures(predictions.bounds, how)),
    )


def coverage_by_group(bounds: HeldOutBounds) -> dict[str, float]:
    """Per workload group the share of its rows that the bound held for."""
    return {group: float(bounds.held[bounds.group == group].mean()) for group in np.unique(bounds.group).tolist()}


def _figure(name: str, statistic: Statistic, groups: int, how: Resampling) -> HeldOutFigure:
    interval: Interval = over_groups(statistic, groups, how)
    return HeldOutFigure(name=name, value=interval.value, lower=interval.lower, upper=interval.upper, groups=groups)


def _bound_figures(bounds: HeldOutBounds, how: Resampling) -> Iterator[HeldOutFigure]:
    for tier in TIERS:
        for kind in HeldOutKind:
            chosen = bounds.only((bounds.tier == tier.value) & (bounds.kind == kind.value))
            if len(chosen):
                prefix = f"bound.{tier}.{kind}"
                for what, statistic, groups in _bound_statistics(chosen):
                    yield _figure(f"{prefix}.{what}", statistic, groups, how)


def _bound_statistics(bounds: HeldOutBounds) -> Iterator[tuple[str, Statistic, int]]:
    parts = [bounds.only(bounds.group == group) for group in np.unique(bounds.group)]
    held = np.array([part.held.mean() for part in parts])
    held_rows = np.array([part.held.sum() for part in parts])
    rows = np.array([len(part) for part in parts])
    ceiling = np.array([(part.upper >= SLOWDOWN_CEILING).mean() for part in parts])
    tightness = [part.upper / part.slowdown for part in parts]
    error = [np.abs(part.median / part.slowdown - 1.0) for part in parts]
    groups = len(parts)
    yield "coverage", lambda drawn: float(held[drawn].mean()), groups
    yield "coverage_pooled", lambda drawn: float(held_rows[drawn].sum() / rows[drawn].sum()), groups
    yield "coverage_worst_group", lambda drawn: float(held[drawn].min()), groups
    yield "tightness", lambda drawn: _median(tightness, drawn), groups
    yield "mean_tightness", lambda drawn: _mean(tightness, drawn), groups
    yield "ceiling", lambda drawn: float(ceiling[drawn].mean()), groups
    yield "median_error", lambda drawn: _median(error, drawn), groups
    yield "mean_error", lambda drawn: _mean(error, drawn), groups


def _median(parts: list[NDArray[np.float64]], drawn: NDArray[np.intp]) -> float:
    return float(np.median(np.concatenate([parts[position] for position in drawn])))


def _mean(parts: list[NDArray[np.float64]], drawn: NDArray[np.intp]) -> float:
    return float(np.mean(np.concatenate([parts[position] for position in drawn])))


def _regime_figures(predictions: HeldOutPredictions, how: Resampling) -> Iterator[HeldOutFigure]:
    regimes = predictions.regimes
    names = np.unique(regimes.group)
    injected = (regimes.provenance == Provenance.INJECTED.value)[:, None]
    undecided = regimes.said == UNDECIDED
    everything = np.ones_like(undecided)
    for name, counted in (
        ("macro_f1", everything),
        ("macro_f1_injected", everything & injected),
        ("macro_f1_decided", ~undecided),
    ):
        otherwise = 0.0 if name == "macro_f1_decided" else float("nan")
        statistic = macro_f1(outcomes_by_group(regimes, counted), otherwise=otherwise)
        yield _figure(f"regime.{name}", statistic, len(names), how)
    judged = ~np.isnan(regimes.said)
    for name, happened, of in (
        ("undecided", undecided, judged),
        ("abstention", regimes.regime == Regime.UNKNOWN.value, np.ones(len(regimes), dtype=np.bool_)),
    ):
        shares = np.array([happened[own].sum() / max(of[own].sum(), 1) for own in _rows_of(regimes)])
        yield _figure(f"regime.{name}", _mean_of(shares), len(names), how)


def _rows_of(regimes: HeldOutRegimes) -> list[NDArray[np.bool_]]:
    return [regimes.group == name for name in np.unique(regimes.group)]


def _mean_of(shares: NDArray[np.float64]) -> Statistic:
    return lambda drawn: float(shares[drawn].mean())


def outcomes_by_group(regimes: HeldOutRegimes, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often each axis was rightly pressed, wrongly pressed, and missed. An undecided axis counts as not pressed.

    Args:
        regimes: what was said.
        counted: bool ``(n, axes)``, what to look at; without a label or an answer nothing is counted.

    Returns:
        int ``(groups, 3, axes)``, groups in the order of their names.
    """
    known = counted & ~np.isnan(regimes.pressed) & ~np.isnan(regimes.said)
    said, true = known & (regimes.said == PRESSED), known & (regimes.pressed == 1.0)
    return np.stack(
        [
            np.stack([(found[own]).sum(axis=0) for found in (said & true, said & ~true, ~said & true)])
            for own in _rows_of(regimes)
        ]
    )


def macro_f1(outcomes: NDArray[np.int64], *, otherwise: float = float("nan")) -> Statistic:
    """Mean over axes that are pressed in some window, ``otherwise`` where none is; ``outcomes`` as above."""

    def statistic(drawn: NDArray[np.intp]) -> float:
        right, wrong, missed = outcomes[drawn].sum(axis=0)
        pressed = right + missed > 0
        if not pressed.any():
            return otherwise
        return float((2 * right / np.maximum(2 * right + wrong + missed, 1))[pressed].mean())

    return statistic


def axis_f1(regimes: HeldOutRegimes) -> dict[str, float]:
    """F1 of each axis that is pressed in some held-out window."""
    right, wrong, missed = outcomes_by_group(regimes, np.ones(regimes.said.shape, dtype=np.bool_)).sum(axis=0)
    return {
        axis.value: float(2 * right[column] / (2 * right[column] + wrong[column] + missed[column]))
        for column, axis in enumerate(AXES)
        if right[column] + missed[column] > 0
    }
