"""The held-out report as one page that fetches nothing: tables and plots, each with its unit and what it means."""

from collections.abc import Iterator
from html import escape

from eval.heldout.plots import (
    KINDS,
    axes_plot,
    best_known,
    bounds_plot,
    calibration_plot,
    confusion_plot,
    coverage_plot,
    flips_plot,
)
from eval.heldout.report import BoundFigures, HeldOutReport, RegimeFigures
from eval.page import fact_list, figure, number_cell, page, share_cell, table
from pipelines.predictions import HeldOutKind


def held_out_page(report: HeldOutReport) -> str:
    """HTML of a report; nothing in it but the report itself."""
    body = "".join(
        (
            *_heading(report),
            *_bounds(report),
            *_regimes(report),
            *_changes(report),
            *_observed(report),
        )
    )
    return page("Held-out evaluation", body)


def _heading(report: HeldOutReport) -> Iterator[str]:
    yield "<h1>Held-out evaluation</h1>\n"
    if report.simulated:
        yield '<p class="loud">SIMULATED. Nothing here was measured on hardware: rows come from a testbed.</p>\n'
    if report.foreign:
        yield (
            '<p class="loud">ANOTHER CPU. Rows were measured on a CPU that is not characterised. Bounds are of models '
            "fitted on these rows alone; they say nothing of the models that serve, and no regime is judged.</p>\n"
        )
    yield (
        f"<p>Each of {len(report.groups)} workload groups was left out in turn of everything that is fitted: trees, "
        "calibrations, thresholds. Then its rows were asked about. Intervals are over groups, since rows of "
        "one workload "
        "are alike.</p>\n"
    )
    fitted = "all" if report.fitted_rows == report.rows else f"{report.fitted_rows:,}, as many of each group, drawn"
    facts = {
        "Rows": f"{report.rows:,} (a window and victim each); fitted on {fitted}",
        "Windows judged": f"{report.windows:,}, each once for every group held out of it",
        "Groups": ", ".join(report.groups),
        "Bounds state": f"{report.rate:.0%} of an unseen group's rows",
        "Intervals": f"{report.confidence:.0%}",
        "Campaigns": ", ".join(report.campaigns),
        "Source": report.source,
        "Digest of the traces": report.training_data,
        "Models": "those that the last training left" if report.left_by_training else "made for this report",
    }
    yield fact_list(facts)


def _bounds(report: HeldOutReport) -> Iterator[str]:
    yield "<h2>Bounds of slowdowns</h2>\n"
    yield (
        '<p class="how">Slowdown: how many times worse a workload does in company than alone, by its own throughput or '
        "latency. Covered: share of rows whose slowdown stayed within the bound. Tightness: bound over slowdown, 1 is "
        "best. Ceiling: bounds that promise nothing. Error: of the middle prediction, relative to the slowdown.</p>\n"
    )
    for kind, name in KINDS.items():
        rows = [figures for figures in report.bounds if figures.kind is kind]
        if rows:
            yield f"<h3>{name.capitalize()}</h3>\n"
            yield table(
                (
                    "bound",
                    "covered, mean of groups",
                    "of all rows",
                    "worst group",
                    "tightness, mean",
                    "ceiling",
                    "error, mean",
                ),
                [_bound_row(each) for each in rows],
                own=[each.tier is not None for each in rows],
            )
    own = [figures for figures in report.bounds if figures.tier is not None]
    if any(figures.calibration for figures in own):
        yield figure(
            calibration_plot(report),
            "Calibration: what is covered when another rate is stated. Each group's margin is taken over the "
            "other groups' "
            "held-out rows. On the dotted line a bound keeps what it states; above it, it is wider than it need "
            "be. Bands "
            f"are {report.confidence:.0%} intervals over groups.",
        )
    if best_known(report, HeldOutKind.UNSEEN_VICTIM) is not None:
        yield figure(
            coverage_plot(report),
            f"Coverage of each group; red is less than the stated {report.rate:.0%} (dotted). A group's interval "
            "counts each "
            "different company that it was seen in as one row. The stated rate is meant for the mean, not for "
            "each group.",
        )
        yield figure(
            bounds_plot(report),
            "Bound against measured slowdown of unseen victims, in times, both axes logarithmic. The nearer "
            "above the line, "
            "the better; the stronger the colour, the more rows. At the very top are bounds that are the ceiling.",
        )


def _bound_row(figures: BoundFigures) -> tuple[str, ...]:
    name = escape(figures.bounder)
    worst = f"{100 * figures.coverage_worst_group.value:.0f} %<small>{escape(figures.worst_group)}</small>"
    return (
        name if figures.tier is None else f"{name}<small>profile: {figures.tier}</small>",
        share_cell(figures.coverage),
        share_cell(figures.coverage_pooled),
        worst,
        number_cell(figures.mean_tightness),
        f"{100 * figures.ceiling.value:.1f} %",
        share_cell(figures.mean_error),
    )


def _regimes(report: HeldOutReport) -> Iterator[str]:
    yield "<h2>Regimes of windows</h2>\n"
    if not report.regimes:
        yield (
            "<p>No regime is judged: no axis is labelled pressed often enough to be learnt, or the CPU is not "
            "characterised.</p>\n"
        )
        return
    yield (
        '<p class="how">F1 of each axis that some window presses, and their mean; an undecided axis counts '
        "as not pressed. "
        "Stressed only: windows that a stressor labelled. Unknown: windows that are not judged at all.</p>\n"
    )
    yield table(
        ("judge", "macro-F1", "stressed only", "where decided", "unknown"),
        [_regime_row(figures) for figures in report.regimes],
        own=[figures.abstention is not None for figures in report.regimes],
    )
    own = next(figures for figures in report.regimes if figures.abstention is not None)
    yield table(("axis", "F1"), [(escape(axis), f"{score:.2f}") for axis, score in own.f1.items()])
    if own.axes:
        yield figure(
            axes_plot(own),
            "What was said of each axis: green right, red wrong, grey undecided. Numbers are windows, each once "
            "for every "
            "group held out of it.",
        )
    if own.confusion is not None and own.confusion.regimes:
        yield figure(
            confusion_plot(own),
            "Regimes as labelled and as judged, in shares of each label's windows. Left out: "
            f"{own.confusion.unlabelled:,} windows of which nobody can say which regime they were.",
        )


def _regime_row(figures: RegimeFigures) -> tuple[str, ...]:
    scores = (figures.macro_f1, figures.macro_f1_injected, figures.macro_f1_decided)
    unknown = "" if figures.abstention is None else share_cell(figures.abstention)
    return (escape(figures.judge), *("" if score is None else number_cell(score) for score in scores), unknown)


def _changes(report: HeldOutReport) -> Iterator[str]:
    if not (report.missing or report.steadiness or report.clocks):
        return
    yield "<h2>Missing events, another clock</h2>\n"
    yield (
        '<p class="how">Contradicted: the regime is another one than before the change, on the same '
        "contention, and neither "
        "is unknown. The core clock is no feature; it parts these rows, and nothing else.</p>\n"
    )
    if report.missing:
        yield table(
            ("without", "macro-F1", "where decided", "axes undecided", "contradicted", "not judged"),
            [
                (
                    escape(each.group),
                    number_cell(each.macro_f1),
                    number_cell(each.macro_f1_decided),
                    f"{100 * each.undecided:.1f} %",
                    share_cell(each.contradicted, decimals=1),
                    escape(", ".join(each.unseen)),
                )
                for each in report.missing
            ],
        )
    if report.clocks:
        yield table(
            ("core clock", "rows", "covered", "tightness, mean", "macro-F1", "contradicted"),
            [
                (
                    f"&times; {each.clock:g}",
                    f"{each.rows:,}",
                    share_cell(each.coverage),
                    number_cell(each.mean_tightness),
                    "" if each.macro_f1 is None else number_cell(each.macro_f1),
                    "" if each.contradicted is None else share_cell(each.contradicted, decimals=1),
                )
                for each in report.clocks
            ],
        )
    yield figure(
        flips_plot(report),
        "How often a regime turns into another. &ldquo;another window&rdquo; changes nothing but the noise: "
        "what the other "
        "changes are to be compared with. Red is above 2 %.",
    )
    if report.clock is not None:
        found = report.clock.variance_explained
        yield (
            f"<p>Trees that try to read the core clock out of the whole vector explain {100 * found.value:.0f} % "
            "of its "
            f"variance ({100 * found.lower:.0f} to {100 * found.upper:.0f} %) on unseen workloads; 0 or less is "
            "nothing.</p>\n"
        )


def _observed(report: HeldOutReport) -> Iterator[str]:
    if report.observed:
        yield "<h2>Once a workload was observed in company</h2>\n"
        yield table(
            ("windows observed", "covered, mean of groups", "worst workload", "tightness, mean"),
            [
                (
                    str(each.observations),
                    share_cell(each.coverage),
                    f"{100 * each.coverage_worst_workload:.0f} %",
                    number_cell(each.mean_tightness),
                )
                for each in report.observed
            ],
        )
