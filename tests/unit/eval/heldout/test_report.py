from pathlib import Path

import pytest
from rich.console import Console

from contracts.profile import Tier
from eval.figure import Figure
from eval.heldout import HELD_OUT_FILE, HeldOutReport, evaluate_held_out, held_out_report, render_held_out
from eval.heldout.asked import data_to_fit
from eval.heldout.report import BoundFigures, ClockFigures, MissingFigures, SteadinessFigures
from eval.heldout.trained import HeldOut
from eval.heldout.usual_models import USUAL_MODELS
from eval.progress import silent
from eval.reports import report_path
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from pipelines.errors import DataError
from pipelines.family import BundleFamily
from pipelines.predictions import HeldOutKind
from pipelines.settings import TrainingSettings, TreeSettings
from serving.bundle_directory import Bundle
from tests.unit.eval.heldout.fabricated import RATE, predictions_on
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

SETTINGS = TrainingSettings(
    resamples=200,
    rate=RATE,
    regime=TreeSettings(trees=8, depth=2, learning_rate=0.3),
    interference=TreeSettings(trees=12, depth=2, learning_rate=0.3),
)
SHARE = Figure(value=0.12, lower=-0.03, upper=0.2, units=6)


@pytest.fixture(scope="module")
def report(dataset: TraceDataset) -> HeldOutReport:
    bundle = Bundle(digest="(in memory)", manifest=manifest(), profiles=PROFILES, graphs=graphs())
    held_out = HeldOut(
        predictions=predictions_on(dataset, upper=10.0, worse_group="group-02"),
        family=BundleFamily(whole=bundle, held_out=()),
        left=True,
    )
    return held_out_report(data_to_fit(dataset, SETTINGS), held_out, settings=SETTINGS, tell=silent)


def bound(report: HeldOutReport, bounder: str, kind: HeldOutKind, tier: Tier | None) -> BoundFigures:
    return next(
        figures for figures in report.bounds if (figures.bounder, figures.kind, figures.tier) == (bounder, kind, tier)
    )


def test_the_worst_group_is_named_and_groups_at_the_rate_are_counted(report: HeldOutReport) -> None:
    figures = bound(report, "Leeward", HeldOutKind.UNSEEN_VICTIM, Tier.PROBED)
    assert figures.worst_group == "group-02"
    assert figures.coverage_worst_group.value < 0.1
    assert figures.coverage.value == pytest.approx((5 + figures.coverage_worst_group.value) / 6)
    assert figures.groups_at_rate.value == pytest.approx(5 / 6)
    assert figures.groups_at_rate.units == 6
    assert figures.groups_at_rate.lower < 5 / 6 < figures.groups_at_rate.upper


def test_all_ways_of_being_unseen_and_both_tiers_are_reported_beside_all_baselines(report: HeldOutReport) -> None:
    found = {(figures.bounder, figures.kind, figures.tier) for figures in report.bounds}
    expected: set[tuple[str, HeldOutKind, Tier | None]] = {
        ("Leeward", kind, tier) for kind in HeldOutKind for tier in (Tier.COUNTERS, Tier.PROBED)
    }
    expected |= {
        (name, kind, None)
        for kind in HeldOutKind
        for name in ("constant quantile", "calibrated constant", *USUAL_MODELS)
    }
    assert found == expected
    assert len(report.bounds) == len(expected)


def test_perfect_probabilities_are_perfect_and_the_rules_are_not_asked_about_their_own_labels(
    report: HeldOutReport,
) -> None:
    by_judge = {figures.judge: figures for figures in report.regimes}
    ours, rules = by_judge["Leeward"], by_judge["top-down rules"]
    assert ours.macro_f1 is not None
    assert ours.macro_f1.value == 1.0
    assert rules.macro_f1 is None
    majority, always = by_judge["majority"].macro_f1_injected, by_judge["all axes, always"].macro_f1_injected
    assert rules.macro_f1_injected is not None
    assert majority is not None
    assert always is not None
    assert rules.macro_f1_injected.value < 1.0
    assert majority.value < always.value


def test_a_report_says_that_it_is_simulated_and_comes_back_from_json(report: HeldOutReport) -> None:
    assert report.simulated
    assert HeldOutReport.from_json(report.to_json(indent=2)) == report


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit_a_terminal(report: HeldOutReport, width: int) -> None:
    console = Console(width=width, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    steady = (SteadinessFigures(change="clock x 0.8", contradicted=SHARE, published=SHARE, unknown=SHARE),)
    missing = (
        MissingFigures(
            group="uncore",
            macro_f1=SHARE,
            macro_f1_decided=SHARE,
            undecided=0.123,
            f1={"ddio": 0.5},
            contradicted=SHARE,
        ),
    )
    clock = ClockFigures(variance_explained=SHARE, windows=240)
    console.print(render_held_out(report.model_copy(update={"missing": missing, "steadiness": steady, "clock": clock})))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in (
        "simulated testbed",
        "macro-F1",
        "tightness",
        "group-02",
        "5 of 6",
        "6 workload groups",
        "70 %",
        "ddio 0.50",
        "12.3 %",
        "clock x 0.8",
        "as published",
        "explain 12 %",
    ):
        assert word in " ".join(text.split())


def test_without_traces_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run a campaign first"):
        evaluate_held_out(tmp_path)


def test_what_no_training_left_is_made_here_and_the_report_is_written(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, dataset_directory(tmp_path))
    told: list[float] = []
    report = evaluate_held_out(tmp_path, settings=SETTINGS, progress=lambda _, done: told.append(done))
    assert not report.left_by_training
    assert len(report.groups) == 6
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert HeldOutReport.from_json(report_path(tmp_path, HELD_OUT_FILE).read_bytes()) == report


def test_groups_that_the_testbed_does_not_know_are_not_looked_at_on_it(report: HeldOutReport) -> None:
    assert report.steadiness == ()
    assert report.clock is None
