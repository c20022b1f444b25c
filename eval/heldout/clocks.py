"""Held-out figures by the core clock that rows were measured at. The clock parts the rows; no model sees it."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from contracts.trace import LabelledTrace
from eval.figure import Figure
from eval.heldout.missing import contradicted
from eval.heldout.report import ClockSettingFigures
from pipelines.bootstrap import Resampling, over_groups
from pipelines.dataset import TraceDataset
from pipelines.figures import macro_f1, outcomes_by_group
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions, HeldOutRegimes

_Company = tuple[object, ...]


def clock_figures(
    dataset: TraceDataset, clocks: NDArray[np.float64], predictions: HeldOutPredictions, how: Resampling
) -> Iterator[ClockSettingFigures]:
    """Figures a clock setting, slowest first; none where rows do not say, or all say the same.

    Args:
        dataset: that predictions name by position.
        clocks: float64 ``(rows,)``, core clock over nominal clock, NaN where nobody set it.
        predictions: of unseen workloads.
        how: bootstrap over groups.
    """
    settings = np.unique(clocks[~np.isnan(clocks)])
    if len(settings) < 2:
        return
    nominal = float(settings[np.abs(settings - 1.0).argmin()])
    companies = _companies(dataset, clocks, predictions.regimes)
    for clock in settings.tolist():
        bounds = predictions.bounds
        own = bounds.only((clocks[bounds.trace] == clock) & (bounds.kind == HeldOutKind.UNSEEN_VICTIM.value))
        if not len(own):
            continue
        yield ClockSettingFigures(
            clock=clock,
            rows=int((clocks == clock).sum()),
            coverage=_mean(own, own.held.astype(np.float64), how),
            mean_tightness=_mean(own, own.upper / own.slowdown, how),
            macro_f1=_macro_f1(predictions.regimes, clocks[predictions.regimes.trace] == clock, how),
            contradicted=None if clock == nominal else _flips(predictions.regimes, companies, clock, nominal, how),
        )


def _mean(bounds: HeldOutBounds, values: NDArray[np.float64], how: Resampling) -> Figure:
    means = np.array([values[bounds.group == group].mean() for group in np.unique(bounds.group)])
    return Figure.of(over_groups(lambda drawn: float(means[drawn].mean()), len(means), how), units=len(means))


def _macro_f1(regimes: HeldOutRegimes, chosen: NDArray[np.bool_], how: Resampling) -> Figure | None:
    if not chosen.any():
        return None
    outcomes = outcomes_by_group(regimes, np.broadcast_to(chosen[:, None], regimes.said.shape))
    return Figure.of(over_groups(macro_f1(outcomes, otherwise=0.0), len(outcomes), how), units=len(outcomes))


def _companies(
    dataset: TraceDataset, clocks: NDArray[np.float64], regimes: HeldOutRegimes
) -> dict[float, dict[_Company, int]]:
    """A clock to where each company's regimes stand, the same company in a row told apart by its turn."""
    found: dict[float, dict[_Company, int]] = {}
    turns: Counter[_Company] = Counter()
    starts = [dataset.traces[index].window_start_ns for index in regimes.trace.tolist()]
    for place in np.argsort(starts, kind="stable").tolist():
        index = int(regimes.trace[place])
        company = (str(regimes.group[place]), *_company(dataset.traces[index]))
        turn = turns[clocks[index], company]
        turns[clocks[index], company] += 1
        found.setdefault(float(clocks[index]), {})[*company, turn] = place
    return found


def _company(trace: LabelledTrace) -> _Company:
    parties = sorted(party.key for party in (trace.victim, *trace.co_runners))
    injected = sorted((each.axis.value, each.intensity) for each in trace.injected)
    return trace.campaign, trace.node, trace.domain, tuple(parties), tuple(injected)


def _flips(
    regimes: HeldOutRegimes, companies: dict[float, dict[_Company, int]], clock: float, nominal: float, how: Resampling
) -> Figure | None:
    there, before = companies.get(clock, {}), companies.get(nominal, {})
    pairs = [(before[company], place) for company, place in there.items() if company in before]
    if not pairs:
        return None
    first, second = np.array(pairs).T
    return contradicted(regimes.regime[first], regimes.regime[second], regimes.group[second], how)
