"""From traces to the held-out report.

Fits are made on all rows or, where there are many, on as many of each group: rows of one workload are alike, so more
of them are no more evidence. What comes of the fits is then asked about every row, a batch at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.profile import Tier
from contracts.trace import LabelledTrace
from eval.errors import EvaluationError
from eval.heldout.asked import Asked, asked_of, data_to_ask, data_to_fit, only_groups
from eval.heldout.baselines import Baseline, fitted_baselines
from eval.heldout.clocks import clock_figures
from eval.heldout.missing import missing_figures
from eval.heldout.observed import observed_figures
from eval.heldout.report import HELD_OUT_FILE, BoundFigures, HeldOutReport, RegimeFigures
from eval.heldout.steadiness import clock_given_away, steadiness
from eval.heldout.tally import BoundTally, RegimeTally
from eval.heldout.traces import Rows, Traces, is_foreign, traces_in
from eval.heldout.trained import HeldOut, left_by_training, made_here
from eval.progress import Progress, silent
from eval.reports import write_report
from pipelines.bootstrap import Resampling
from pipelines.dataset import dataset_directory, read_dataset
from pipelines.folds import workload_groups
from pipelines.interference_rows import TIERS
from pipelines.loaded_models import LoadedModels
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData

MODEL = "Leeward"
READ_WHOLE = 50_000
"""Rows that are read whole: half a gigabyte."""
FIT_ROWS = 10_000
"""Rows that are fitted on at the most, where no training left its fits."""
BATCH_ROWS = 10_000
"""Rows that are asked about at a time: a tenth of a gigabyte."""

_FITTED, _ASKED, _STEADINESS_DONE = 0.45, 0.75, 0.9
"""Shares of the work that are done after its parts."""


def evaluate_held_out(
    state: Path,
    *,
    settings: TrainingSettings | None = None,
    progress: Progress | None = None,
    groups: Sequence[str] = (),
) -> HeldOutReport:
    """Figures on workloads never seen, of the traces in a state directory; written to ``<state>/reports`` too.

    The bundles and their predictions are those that the training left, where it was of the same traces; else they are
    made here.

    Args:
        state: the state directory.
        settings: of the training; its defaults where absent.
        progress: told what is being done.
        groups: to hold out in turn; all where none is named.

    Raises:
        DataError: there are no traces, or too few groups to hold one out.
        EvaluationError: a group is named that the traces have not, a campaign is not whole, or a file is torn.
        DatasetError: files are there, and no traces among them.
        ContractError: a trace breaks the contract.
    """
    directory = dataset_directory(state)
    if not any(directory.glob("**/*.parquet")):
        read_dataset(directory)  # says what is missing
    report = evaluate_traces(
        traces_in(directory), settings=settings, progress=progress, groups=groups, trained_in=state
    )
    write_report(report, state, HELD_OUT_FILE)
    return report


def evaluate_traces(
    traces: Traces,
    *,
    settings: TrainingSettings | None = None,
    progress: Progress | None = None,
    groups: Sequence[str] = (),
    fit_rows: int = FIT_ROWS,
    batch_rows: int = BATCH_ROWS,
    trained_in: Path | None = None,
) -> HeldOutReport:
    """Figures of any labelled traces. Rows of another CPU are bounded, by models of their own, and never judged.

    Args:
        traces: what to look at.
        settings, progress, groups: as above.
        fit_rows, batch_rows: rows that are fitted on at the most, and asked about at a time.
        trained_in: a state directory whose last training is used, if it was of these traces.

    Raises:
        DataError, EvaluationError, ContractError: as above.
    """
    tell, chosen = progress or silent, settings or TrainingSettings()
    tell("reading traces", 0.0)
    rows = traces.whole() if traces.rows <= max(READ_WHOLE, fit_rows) else None
    held_out = left_by_training(trained_in, rows.dataset) if trained_in is not None and rows is not None else None
    digest = traces.digest_of_files() if rows is None else rows.dataset.digest
    whole = rows is not None and (held_out is not None or traces.rows <= fit_rows)
    if rows is None or not whole:
        rows = traces.sample(fit_rows, seed=chosen.seed)
    data = data_to_fit(rows.dataset, chosen)
    asked_groups = _groups(rows, groups)
    if held_out is None:
        tell("training without each workload group", 0.05)
        held_out = made_here(data, asked_groups, chosen)
    elif groups:
        held_out = replace(held_out, predictions=only_groups(held_out.predictions, asked_groups))
    batches = None
    if not whole:
        batches = _batches(traces.batches(batch_rows), data, held_out, asked_groups, chosen)
    report = held_out_report(
        data, held_out, settings=chosen, tell=tell, clocks=rows.clocks, batches=batches, groups=asked_groups
    )
    tell("held-out figures done", 1.0)
    return report.model_copy(update={"rows": traces.rows, "training_data": digest, "source": traces.name})


def held_out_report(
    data: TrainingData,
    held_out: HeldOut,
    *,
    settings: TrainingSettings,
    tell: Progress,
    clocks: NDArray[np.float64] | None = None,
    batches: Iterable[Asked] | None = None,
    groups: Sequence[str] = (),
) -> HeldOutReport:
    """The report of some predictions, with the baselines' on the same rows and folds, and of regimes on the testbed.

    Args:
        data: what was fitted on.
        held_out: what came of it, with predictions on the same rows.
        settings: of the training.
        tell: told what is being done.
        clocks: of the rows, as in ``traces.Rows``; ``None`` where nobody set any.
        batches: rows that figures of bounds and regimes are of; those of ``held_out`` where absent.
        groups: that are held out; all that predictions name where none is given.
    """
    dataset, predictions = data.dataset, held_out.predictions
    names = tuple(sorted(groups)) or predictions.groups
    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    tell("bounds and regimes, with the baselines'", _FITTED)
    counted = _Counted(names, how, rate=predictions.rate)
    fitted = fitted_baselines(data, rate=predictions.rate)
    for asked in batches if batches is not None else (Asked(data=data, predictions=predictions),):
        counted.add(asked, fitted.said(asked))
    tell("regimes under another clock, and with fewer events", _ASKED)
    judges = bool(len(predictions.regimes))
    steady = steadiness(names, held_out.model_without, how) if judges else ()
    tell("reading the clock out of vectors", _STEADINESS_DONE)
    return HeldOutReport(
        simulated=dataset.simulated,
        source="",
        campaigns=tuple(sorted({trace.campaign for trace in dataset.traces})),
        foreign=is_foreign(dataset.traces),
        training_data=dataset.digest,
        rows=len(dataset.traces),
        windows=counted.windows,
        fitted_rows=len(dataset.traces),
        groups=names,
        rate=predictions.rate,
        confidence=settings.confidence,
        left_by_training=held_out.left,
        regimes=tuple(counted.regimes()),
        bounds=tuple(counted.bounds()),
        observed=observed_figures(dataset, predictions, how),
        missing=tuple(missing_figures(dataset, predictions.regimes, held_out.model_without, how)) if judges else (),
        clocks=() if clocks is None else tuple(clock_figures(dataset, clocks, predictions, how)),
        steadiness=steady,
        clock=clock_given_away(names, how) if steady else None,
    )


def _groups(rows: Rows, chosen: Sequence[str]) -> tuple[str, ...]:
    there = workload_groups(rows.dataset.traces)
    strangers = sorted(set(chosen) - set(there))
    if strangers:
        raise EvaluationError(f"no row has a workload of group {strangers[0]}: there are {', '.join(there)}")
    return tuple(sorted(chosen)) or there


def _batches(
    batches: Iterable[Rows], fitted: TrainingData, held_out: HeldOut, groups: Sequence[str], settings: TrainingSettings
) -> Iterator[Asked]:
    models = LoadedModels()
    for rows in batches:
        data = data_to_ask(rows.dataset, fitted, settings)
        predictions = asked_of(held_out.family, data, groups, settings, models=models)
        if predictions is not None:
            yield Asked(data=data, predictions=predictions)


class _Counted:
    """The model's and the baselines' figures, of rows that pass by."""

    def __init__(self, groups: Sequence[str], how: Resampling, *, rate: float) -> None:
        self._groups, self._how, self._rate = groups, how, rate
        self._bounds: dict[tuple[str, Tier | None, HeldOutKind], BoundTally] = {}
        self._regimes: dict[str, tuple[RegimeTally, Baseline | None]] = {}

    @property
    def windows(self) -> int:
        """See ``RegimeTally.windows``."""
        return self._regimes[MODEL][0].windows if MODEL in self._regimes else 0

    def add(self, asked: Asked, baselines: Iterable[Baseline]) -> None:
        """Count what was said of some rows."""
        mixes = np.array([_mix(trace) for trace in asked.data.dataset.traces], dtype=np.int64)
        for tier in TIERS:
            own = asked.predictions.bounds.tier == tier.value
            self._add_bounds(MODEL, tier, asked.predictions.bounds.only(own), mixes)
        self._add_regimes(MODEL, asked.predictions, None)
        for baseline in baselines:
            if baseline.bounder is not None:
                self._add_bounds(baseline.bounder, None, baseline.predictions.bounds, mixes)
            if baseline.judge is not None:
                self._add_regimes(baseline.judge, baseline.predictions, baseline)

    def bounds(self) -> Iterator[BoundFigures]:
        """All of them; only the model's say which group is covered how well."""
        for (bounder, tier, kind), tally in self._bounds.items():
            found = tally.figures(bounder, kind=kind, tier=tier, rate=self._rate, how=self._how)
            if found is not None:
                slim = {} if tier is not None else {"by_group": (), "density": None}
                yield found.model_copy(update=slim)

    def regimes(self) -> Iterator[RegimeFigures]:
        """All of them; a judge by the rules that label windows is not asked about those."""
        for judge, (tally, baseline) in self._regimes.items():
            if tally.windows:
                found = tally.figures(judge, how=self._how, abstains=baseline is None)
                circular = baseline is not None and baseline.judges_by_rule
                yield found.model_copy(update={"macro_f1": None, "f1": {}}) if circular else found

    def _add_bounds(self, bounder: str, tier: Tier | None, bounds: HeldOutBounds, mixes: NDArray[np.int64]) -> None:
        for kind in HeldOutKind:
            chosen = bounds.only(bounds.kind == kind.value)
            tally = self._bounds.setdefault((bounder, tier, kind), BoundTally(self._groups))
            if len(chosen):
                tally.add(chosen, mixes[chosen.trace])

    def _add_regimes(self, judge: str, predictions: HeldOutPredictions, baseline: Baseline | None) -> None:
        tally, _ = self._regimes.setdefault(judge, (RegimeTally(self._groups), baseline))
        tally.add(predictions.regimes)


def _mix(trace: LabelledTrace) -> int:
    """The same for all rows with the same parties, within this process."""
    return hash(frozenset(party.key for party in (trace.victim, *trace.co_runners)))
