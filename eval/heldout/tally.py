"""What is kept of bounds and regimes when rows pass by: counts a workload group, of a size that no rows change.

Shares and means come out as over all rows. Medians and calibration are read from histograms whose bins are
logarithmic, 0.2 % and 0.5 % wide.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.profile import Tier
from contracts.regime import Regime
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR
from contracts.trace import Provenance
from eval.figure import Figure
from eval.heldout.report import (
    AxisConfusion,
    BoundFigures,
    CalibrationPoint,
    Density,
    DensityCell,
    GroupCoverage,
    RegimeConfusion,
    RegimeFigures,
)
from eval.intervals import exact_share, share_of_alike
from pipelines.abstention import CLEAR, PRESSED, UNDECIDED
from pipelines.bootstrap import Resampling, Statistic, over_groups
from pipelines.confusion import confusion_of
from pipelines.figures import macro_f1
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutRegimes

DoubleArray = NDArray[np.float64]

NOMINAL = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Rates at which calibration is looked at, beside the stated one."""
_DENSITY_BINS = 36
_REGIMES = tuple(regime.value for regime in Regime)
_ANSWERS = (PRESSED, UNDECIDED, CLEAR)


class Histogram:
    """How often values fell where, a group; the ends take what lies outside."""

    def __init__(self, groups: int, *, lowest: float, highest: float, width: float) -> None:
        self._lowest, self._width = float(np.log(lowest)), width
        self._bins = int(np.ceil((np.log(highest) - self._lowest) / width)) + 2
        self.counts = np.zeros((groups, self._bins), dtype=np.int64)

    def add(self, groups: NDArray[np.intp], values: DoubleArray) -> None:
        """Count values above zero."""
        place = np.floor((np.log(np.maximum(values, 1e-300)) - self._lowest) / self._width).astype(np.int64) + 1
        flat = groups * self._bins + np.clip(place, 0, self._bins - 1)
        self.counts += np.bincount(flat, minlength=self.counts.size).reshape(self.counts.shape)

    def median(self, chosen: NDArray[np.intp]) -> Statistic:
        """The median of drawn groups' values together; ``chosen`` are the groups that there are."""
        there = np.flatnonzero(self.counts[chosen].sum(axis=0))
        counts = self.counts[np.ix_(chosen, there)].astype(np.float64)

        def statistic(drawn: NDArray[np.intp]) -> float:
            upto = np.cumsum(np.bincount(drawn, minlength=len(counts)) @ counts)
            place = int(there[np.searchsorted(upto, upto[-1] / 2.0)])
            return float(np.exp(self._lowest + (place - 0.5) * self._width))

        return statistic


class BoundTally:
    """What one bounder said of one kind of unseen, a tier.

    Args:
        groups: that are held out, sorted.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        self._groups = np.array(groups, dtype=np.str_)
        shape = len(groups)
        self._rows, self._held, self._ceiling = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        self._tightness, self._error = np.zeros(shape), np.zeros(shape)
        self._tightnesses = Histogram(shape, lowest=0.05, highest=12.0, width=0.002)
        self._errors = Histogram(shape, lowest=1e-4, highest=20.0, width=0.005)
        self._scores = Histogram(shape, lowest=0.05, highest=20.0, width=0.005)
        self._density = np.zeros((_DENSITY_BINS, _DENSITY_BINS), dtype=np.int64)
        self._mixes: list[set[int]] = [set() for _ in groups]

    def add(self, bounds: HeldOutBounds, mixes: NDArray[np.int64]) -> None:
        """Count rows.

        Args:
            bounds: of groups that are held out.
            mixes: int ``(n,)``, the same for rows of the same company.
        """
        own = np.searchsorted(self._groups, bounds.group)
        tightness, error = bounds.upper / bounds.slowdown, np.abs(bounds.median / bounds.slowdown - 1.0)
        for total, weights in (
            (self._rows, np.ones(len(own))),
            (self._held, bounds.held),
            (self._ceiling, bounds.upper >= SLOWDOWN_CEILING),
            (self._tightness, tightness),
            (self._error, error),
        ):
            np.add(total, np.bincount(own, weights=weights, minlength=len(total)).astype(total.dtype), out=total)
        self._tightnesses.add(own, tightness)
        self._errors.add(own, error)
        within = ~bounds.beyond_training
        self._scores.add(own[within], 1.0 / tightness[within])
        self._density += np.histogram2d(
            np.clip(bounds.slowdown, SLOWDOWN_FLOOR, SLOWDOWN_CEILING),
            np.clip(bounds.upper, SLOWDOWN_FLOOR, SLOWDOWN_CEILING),
            bins=(density_edges(), density_edges()),
        )[0].astype(np.int64)
        for group in np.unique(own).tolist():
            self._mixes[group].update(np.unique(mixes[own == group]).tolist())

    def figures(
        self, bounder: str, *, kind: HeldOutKind, tier: Tier | None, rate: float, how: Resampling
    ) -> BoundFigures | None:
        """All figures; ``None`` where no row passed."""
        there = np.flatnonzero(self._rows)
        if not len(there):
            return None
        rows, held = self._rows[there], self._held[there]
        share, count = held / rows, len(there)

        def figure(statistic: Statistic) -> Figure:
            return Figure.of(over_groups(statistic, count, how), units=count)

        def pooled(totals: NDArray[np.int64] | DoubleArray) -> Figure:
            return figure(lambda drawn: float(totals[there][drawn].sum() / rows[drawn].sum()))

        ceiling = self._ceiling[there] / rows
        return BoundFigures(
            bounder=bounder,
            kind=kind,
            tier=tier,
            coverage=figure(lambda drawn: float(share[drawn].mean())),
            coverage_pooled=pooled(self._held),
            coverage_worst_group=figure(lambda drawn: float(share[drawn].min())),
            worst_group=str(self._groups[there[int(share.argmin())]]),
            groups_at_rate=Figure.of(
                exact_share(int((share >= rate).sum()), count, confidence=how.confidence), units=count
            ),
            tightness=figure(self._tightnesses.median(there)),
            mean_tightness=pooled(self._tightness),
            ceiling=figure(lambda drawn: float(ceiling[drawn].mean())),
            median_error=figure(self._errors.median(there)),
            mean_error=pooled(self._error),
            by_group=tuple(self._by_group(there, how)),
            calibration=tuple(self._calibration(rate, how)),
            density=self._density_cells(),
        )

    def _by_group(self, there: NDArray[np.intp], how: Resampling) -> Iterator[GroupCoverage]:
        for group in there.tolist():
            share, mixes = self._held[group] / self._rows[group], len(self._mixes[group])
            yield GroupCoverage(
                group=str(self._groups[group]),
                rows=int(self._rows[group]),
                coverage=Figure.of(share_of_alike(float(share), mixes, confidence=how.confidence), units=mixes),
            )

    def _calibration(self, rate: float, how: Resampling) -> Iterator[CalibrationPoint]:
        """Coverage of each group by the margin over the others' scores, by the rule of ``pipelines.conformal``."""
        counts = self._scores.counts[self._scores.counts.sum(axis=1) > 0]
        groups = len(counts)
        if groups < 2:
            return
        upto = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
        others = (upto.sum(axis=0) - upto) / groups
        for nominal in sorted({*NOMINAL, rate}):
            if nominal > (groups - 1) / groups:
                continue
            margins = (others >= nominal - 1e-9).argmax(axis=1)
            covered = upto[np.arange(groups), margins]
            interval = over_groups(lambda drawn, covered=covered: float(covered[drawn].mean()), groups, how)  # type: ignore[misc]
            yield CalibrationPoint(nominal=nominal, coverage=Figure.of(interval, units=groups))

    def _density_cells(self) -> Density:
        return Density(
            bins=_DENSITY_BINS,
            cells=tuple(
                DensityCell(slowdown=int(row), bound=int(column), rows=int(self._density[row, column]))
                for row, column in np.argwhere(self._density)
            ),
        )


def density_edges() -> DoubleArray:
    """Where the cells of bound against slowdown end: from the lowest slowdown to the ceiling in equal ratios."""
    return np.geomspace(SLOWDOWN_FLOOR, SLOWDOWN_CEILING, _DENSITY_BINS + 1)


class RegimeTally:
    """What one judge said of windows with an unseen workload.

    Args:
        groups: that are held out, sorted.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        self._groups = np.array(groups, dtype=np.str_)
        shape = (len(groups), 3, len(AXES))
        self._outcomes = {name: np.zeros(shape, dtype=np.int64) for name in ("all", "injected", "decided")}
        self._windows, self._unknown = (np.zeros(len(groups), dtype=np.int64) for _ in range(2))
        self._answers = np.zeros((len(AXES), 2, len(_ANSWERS)), dtype=np.int64)
        self._matrix = np.zeros((len(_REGIMES), len(_REGIMES)), dtype=np.int64)
        self._unlabelled = 0

    def add(self, regimes: HeldOutRegimes) -> None:
        """Count windows."""
        if not len(regimes):
            return
        own = np.searchsorted(self._groups, regimes.group)
        known = ~np.isnan(regimes.pressed) & ~np.isnan(regimes.said)
        said, true = regimes.said == PRESSED, regimes.pressed == 1.0
        counted = {
            "all": known,
            "injected": known & (regimes.provenance == Provenance.INJECTED.value)[:, None],
            "decided": known & (regimes.said != UNDECIDED),
        }
        for name, where in counted.items():
            for place, found in enumerate((said & true, said & ~true, ~said & true)):
                np.add.at(self._outcomes[name][:, place], own, (found & where).astype(np.int64))
        self._windows += np.bincount(own, minlength=len(self._groups))
        unknown = regimes.regime == Regime.UNKNOWN.value
        self._unknown += np.bincount(own, weights=unknown, minlength=len(self._groups)).astype(np.int64)
        for place, answer in enumerate(_ANSWERS):
            for row, pressed in enumerate((1.0, 0.0)):
                chosen = (regimes.pressed == pressed) & (regimes.said == answer)
                self._answers[:, row, place] += chosen.sum(axis=0)
        confusion = confusion_of(regimes)
        places = [_REGIMES.index(name) for name in confusion.regimes]
        if places:
            self._matrix[np.ix_(places, places)] += np.array(confusion.counts)
        self._unlabelled += confusion.unlabelled

    @property
    def windows(self) -> int:
        """Windows that passed, each once for every group held out of it."""
        return int(self._windows.sum())

    def figures(self, judge: str, *, how: Resampling, abstains: bool) -> RegimeFigures:
        """All figures; ``windows`` is to be above zero."""
        there = np.flatnonzero(self._windows)

        def figure(statistic: Statistic) -> Figure | None:
            interval = over_groups(statistic, len(there), how)
            return None if np.isnan(interval.value) else Figure.of(interval, units=len(there))

        unknown = self._unknown[there] / self._windows[there]
        decided = macro_f1(self._outcomes["decided"][there], otherwise=0.0)
        return RegimeFigures(
            judge=judge,
            macro_f1=figure(macro_f1(self._outcomes["all"][there])),
            macro_f1_injected=figure(macro_f1(self._outcomes["injected"][there])),
            macro_f1_decided=figure(decided) if abstains else None,
            abstention=figure(lambda drawn: float(unknown[drawn].mean())) if abstains else None,
            f1=self._f1(),
            axes=tuple(self._axes()) if abstains else (),
            confusion=self._confusion() if abstains else None,
        )

    def _f1(self) -> dict[str, float]:
        right, wrong, missed = self._outcomes["all"].sum(axis=0)
        return {
            axis.value: float(2 * right[column] / (2 * right[column] + wrong[column] + missed[column]))
            for column, axis in enumerate(AXES)
            if right[column] + missed[column] > 0
        }

    def _axes(self) -> Iterator[AxisConfusion]:
        for axis, ((hit, unsure, missed), (false, hesitant, clear)) in zip(AXES, self._answers.tolist(), strict=True):
            if hit + unsure + missed + false + hesitant + clear:
                yield AxisConfusion(
                    axis=axis.value,
                    pressed_said_pressed=hit,
                    pressed_undecided=unsure,
                    pressed_said_clear=missed,
                    clear_said_pressed=false,
                    clear_undecided=hesitant,
                    clear_said_clear=clear,
                )

    def _confusion(self) -> RegimeConfusion:
        there = np.flatnonzero(self._matrix.sum(axis=0) + self._matrix.sum(axis=1))
        return RegimeConfusion(
            regimes=tuple(_REGIMES[place] for place in there),
            counts=tuple(tuple(row) for row in self._matrix[np.ix_(there, there)].tolist()),
            unlabelled=self._unlabelled,
        )
