"""From traces to the held-out report."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from contracts.profile import Tier
from eval.figure import Figure
from eval.heldout.baselines import Baseline, baselines
from eval.heldout.missing import missing_figures
from eval.heldout.observed import observed_figures
from eval.heldout.report import HELD_OUT_FILE, BoundFigures, HeldOutReport, RegimeFigures
from eval.heldout.steadiness import clock_given_away, steadiness
from eval.heldout.trained import HeldOut, left_by_training, made_here
from eval.intervals import exact_share
from eval.progress import Progress, silent
from eval.reports import write_report
from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset, dataset_directory, read_dataset
from pipelines.figures import HeldOutFigures, axis_f1, coverage_by_group
from pipelines.heldout import figures
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions
from pipelines.settings import TrainingSettings

MODEL = "Leeward"

_TRAINED, _MODEL_DONE, _BASELINES_DONE, _STEADINESS_DONE = 0.5, 0.55, 0.7, 0.85
"""Shares of the work that are done after its parts."""


def evaluate_held_out(
    state: Path, *, settings: TrainingSettings | None = None, progress: Progress | None = None
) -> HeldOutReport:
    """Figures on workloads never seen, of the traces in a state directory; written to ``<state>/reports`` too.

    The bundles and their predictions are those that the training left, where it was of the same traces; else they are
    made here.

    Args:
        state: the state directory.
        settings: of the training; its defaults where absent.
        progress: told what is being done.

    Raises:
        DataError: there are no traces, or too few groups to hold one out.
        ContractError: a trace breaks the contract.
    """
    tell = progress or silent
    chosen = settings or TrainingSettings()
    tell("reading traces", 0.0)
    dataset = read_dataset(dataset_directory(state))
    held_out = left_by_training(state, dataset)
    if held_out is None:
        tell("training without each workload group", 0.05)
        held_out = made_here(dataset, chosen)
    report = held_out_report(dataset, held_out, settings=chosen, tell=tell)
    write_report(report, state, HELD_OUT_FILE)
    tell("held-out figures done", 1.0)
    return report


def held_out_report(
    dataset: TraceDataset, held_out: HeldOut, *, settings: TrainingSettings, tell: Progress
) -> HeldOutReport:
    """The report of some predictions, with the baselines' on the same rows and folds, and of regimes on the testbed."""
    predictions = held_out.predictions
    tell("figures of the model", _TRAINED)
    ours = figures(predictions, settings)
    regimes = [_regime_figures(MODEL, ours, predictions)]
    bounds = list(_bound_figures(MODEL, ours, predictions.bounds, rate=predictions.rate, settings=settings))
    tell("figures of the baselines", _MODEL_DONE)
    for baseline in baselines(dataset, predictions, folds=settings.folds):
        theirs = figures(baseline.predictions, settings)
        if baseline.judge is not None:
            regimes.append(_baseline_regimes(baseline, baseline.judge, theirs))
        if baseline.bounder is None:
            continue
        bounds.extend(
            found.model_copy(update={"tier": None})
            for found in _bound_figures(
                baseline.bounder, theirs, baseline.predictions.bounds, rate=predictions.rate, settings=settings
            )
        )
    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    tell("regimes under another clock, and with fewer events", _BASELINES_DONE)
    steady = steadiness(predictions.groups, held_out.model_without, how)
    tell("reading the clock out of vectors", _STEADINESS_DONE)
    return HeldOutReport(
        simulated=dataset.simulated,
        training_data=dataset.digest,
        rows=len(dataset.traces),
        windows=len(np.unique(predictions.regimes.trace)),
        groups=predictions.groups,
        rate=predictions.rate,
        confidence=settings.confidence,
        left_by_training=held_out.left,
        regimes=tuple(regimes),
        bounds=tuple(bounds),
        observed=observed_figures(dataset, predictions, how),
        missing=tuple(missing_figures(dataset, predictions.regimes, held_out.model_without, how)),
        steadiness=steady,
        clock=clock_given_away(predictions.groups, how),
    )


def _regime_figures(judge: str, found: HeldOutFigures, predictions: HeldOutPredictions) -> RegimeFigures:
    return RegimeFigures(
        judge=judge,
        macro_f1=Figure.over_groups(found.of("regime.macro_f1")),
        macro_f1_injected=Figure.over_groups(found.of("regime.macro_f1_injected")),
        macro_f1_decided=Figure.over_groups(found.of("regime.macro_f1_decided")),
        abstention=Figure.over_groups(found.of("regime.abstention")),
        f1=axis_f1(predictions.regimes),
    )


def _baseline_regimes(baseline: Baseline, judge: str, found: HeldOutFigures) -> RegimeFigures:
    whole = _regime_figures(judge, found, baseline.predictions)
    circular: dict[str, object] = {"macro_f1": None, "f1": {}} if baseline.judges_by_rule else {}
    return whole.model_copy(update={"abstention": None, "macro_f1_decided": None} | circular)


def _bound_figures(
    bounder: str, found: HeldOutFigures, bounds: HeldOutBounds, *, rate: float, settings: TrainingSettings
) -> Iterator[BoundFigures]:
    for tier in TIERS:
        for kind in HeldOutKind:
            chosen = bounds.only((bounds.tier == tier.value) & (bounds.kind == kind.value))
            if len(chosen):
                yield _of_one_kind(bounder, found, chosen, tier=tier, kind=kind, rate=rate, settings=settings)


def _of_one_kind(
    bounder: str,
    found: HeldOutFigures,
    chosen: HeldOutBounds,
    *,
    tier: Tier,
    kind: HeldOutKind,
    rate: float,
    settings: TrainingSettings,
) -> BoundFigures:
    def figure(what: str) -> Figure:
        return Figure.over_groups(found.of(f"bound.{tier}.{kind}.{what}"))

    coverage = coverage_by_group(chosen)
    reached = sum(share >= rate for share in coverage.values())
    return BoundFigures(
        bounder=bounder,
        kind=kind,
        tier=tier,
        coverage=figure("coverage"),
        coverage_pooled=figure("coverage_pooled"),
        coverage_worst_group=figure("coverage_worst_group"),
        worst_group=min(coverage, key=lambda group: coverage[group]),
        groups_at_rate=Figure.of(
            exact_share(reached, len(coverage), confidence=settings.confidence), units=len(coverage)
        ),
        tightness=figure("tightness"),
        mean_tightness=figure("mean_tightness"),
        ceiling=figure("ceiling"),
        median_error=figure("median_error"),
        mean_error=figure("mean_error"),
    )
