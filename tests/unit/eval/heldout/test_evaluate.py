"""Any labelled traces: fitted on some rows and asked about all, of some groups, of a foreign table without regimes."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.profile import Tier
from eval.errors import EvaluationError
from eval.heldout.clocks import clock_figures
from eval.heldout.evaluate import MODEL, evaluate_traces
from eval.heldout.page import held_out_page
from eval.heldout.report import HeldOutReport
from eval.heldout.traces import traces_in
from eval.traces.import_table import import_table
from eval.traces.mapping import read_mapping
from eval.traces.output import write_imported
from eval.traces.refusal import Refusals
from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset, write_dataset
from pipelines.predictions import HeldOutKind
from tests.unit.eval.heldout import made_up_table
from tests.unit.eval.heldout.fabricated import predictions_on
from tests.unit.eval.heldout.test_report import SETTINGS

FEW = SETTINGS.model_copy(update={"folds": 3, "fewest_pressed": 5})
HOW = Resampling(resamples=100, confidence=0.9, seed=1)


@pytest.fixture(scope="module")
def sampled(dataset: TraceDataset, tmp_path_factory: pytest.TempPathFactory) -> HeldOutReport:
    """Two thirds of the rows were fitted on, all were asked about."""
    directory = tmp_path_factory.mktemp("traces")
    write_dataset(dataset, directory)
    return evaluate_traces(traces_in(directory), settings=FEW, fit_rows=120)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> HeldOutReport:
    directory = tmp_path_factory.mktemp("made-up")
    refusals = Refusals()
    mapping = read_mapping(made_up_table.DATA / made_up_table.MAPPING)
    imported = import_table(
        made_up_table.DATA / made_up_table.TABLE, mapping, refusals=refusals, beside=made_up_table.DATA
    )
    assert not refusals.total
    write_imported(imported, directory)
    return evaluate_traces(traces_in(directory), settings=FEW)


def test_the_example_is_what_its_few_lines_of_arithmetic_say() -> None:
    for name, made in (
        (made_up_table.TABLE, made_up_table.table()),
        (made_up_table.MAPPING, made_up_table.mapping()),
    ):
        assert (made_up_table.DATA / name).read_text(encoding="utf-8") == made


def test_all_rows_are_asked_about_where_some_were_fitted_on(dataset: TraceDataset, sampled: HeldOutReport) -> None:
    assert (sampled.rows, sampled.fitted_rows) == (len(dataset.traces), 120)
    victims = next(
        figures
        for figures in sampled.bounds
        if (figures.bounder, figures.kind, figures.tier) == (MODEL, HeldOutKind.UNSEEN_VICTIM, Tier.PROBED)
    )
    assert sum(each.rows for each in victims.by_group) == len(dataset.traces)
    assert sampled.regimes
    assert HeldOutReport.from_json(sampled.to_json()) == sampled


def test_batches_of_rows_come_to_the_figures_of_one(
    dataset: TraceDataset, sampled: HeldOutReport, tmp_path: Path
) -> None:
    write_dataset(dataset, tmp_path)
    again = evaluate_traces(traces_in(tmp_path), settings=FEW, fit_rows=120, batch_rows=50)
    assert [each.coverage for each in again.bounds] == [each.coverage for each in sampled.bounds]
    assert [each.macro_f1 for each in again.regimes] == [each.macro_f1 for each in sampled.regimes]


def test_groups_that_are_named_are_held_out_alone(dataset: TraceDataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path)
    report = evaluate_traces(traces_in(tmp_path), settings=FEW, groups=("group-03", "group-01"))
    assert report.groups == ("group-01", "group-03")
    assert {each.group for figures in report.bounds for each in figures.by_group} == set(report.groups)
    with pytest.raises(EvaluationError, match="no row has a workload of group nobody"):
        evaluate_traces(traces_in(tmp_path), settings=FEW, groups=("nobody",))


def test_a_foreign_table_is_bounded_and_never_judged(foreign: HeldOutReport) -> None:
    assert foreign.foreign
    assert foreign.campaigns == ("foreign:made-up",)
    assert foreign.groups == ("cache", "crypto", "forward", "index", "mail", "stream")
    assert (len(foreign.regimes), len(foreign.missing), len(foreign.steadiness)) == (0, 0, 0)
    bounders = {figures.bounder for figures in foreign.bounds}
    assert bounders == {
        MODEL, "constant quantile", "calibrated constant", "mean", "linear pairwise sum", "plain XGBoost"
    }  # fmt: skip
    assert {figures.tier for figures in foreign.bounds if figures.bounder == MODEL} == {Tier.COUNTERS}


@pytest.mark.parametrize("which", ["sampled", "foreign"])
def test_a_page_stands_alone_and_says_what_it_is(which: str, request: pytest.FixtureRequest) -> None:
    report: HeldOutReport = request.getfixturevalue(which)
    page = held_out_page(report)
    assert not re.search(r"<(script|link|img|iframe)|@import|url\((?!#)", page)
    assert set(re.findall(r'(?:href|src)="([^"#]+)', page)) == set()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert ("SIMULATED" in page) is report.simulated
    assert ("ANOTHER CPU" in page) is report.foreign
    assert page.count("<figure>") == page.count("<figcaption>") == (3 if report.foreign else 6)


def test_names_in_a_page_are_no_markup(sampled: HeldOutReport) -> None:
    page = held_out_page(sampled.model_copy(update={"source": "<b>&", "campaigns": ("<i>",)}))
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;" in page
    assert "<i>" not in page


def test_a_flip_is_counted_between_the_same_company_at_two_clocks(dataset: TraceDataset) -> None:
    later = [trace.model_copy(update={"window_start_ns": trace.window_start_ns + 10**15}) for trace in dataset.traces]
    both = TraceDataset(traces=(*dataset.traces, *later), profiles=dataset.profiles)
    clocks = np.repeat([1.0, 1.25], len(dataset.traces))
    predictions = predictions_on(both, upper=2.0)
    regimes = replace(predictions.regimes, regime=predictions.regimes.regime.astype("<U16"))
    at_later = regimes.trace >= len(dataset.traces)
    regimes.regime[(regimes.group == "group-02") & at_later] = "membw"
    regimes.regime[(regimes.group == "group-03") & at_later] = "unknown"
    slow, fast = clock_figures(both, clocks, replace(predictions, regimes=regimes), HOW)
    assert (slow.clock, fast.clock, slow.contradicted) == (1.0, 1.25, None)
    assert fast.contradicted is not None
    assert fast.contradicted.value == pytest.approx(1 / 6)
    assert slow.rows == fast.rows == len(dataset.traces)


def test_rows_at_one_clock_have_no_clock_figures(dataset: TraceDataset) -> None:
    clocks = np.full(len(dataset.traces), 1.0)
    assert list(clock_figures(dataset, clocks, predictions_on(dataset, upper=2.0), HOW)) == []
