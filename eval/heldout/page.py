"""The held-out report as one page that fetches nothing: tables and plots, each with its unit and what it means."""

from collections.abc import Iterator, Sequence
from html import escape

from eval.figure import Figure
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
from pipelines.predictions import HeldOutKind

_STYLE = """
:root { color-scheme: light dark; --ink: #24292f; --paper: #fff; --muted: #57606a; --line: #d0d7de; --loud: #9a3b00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --muted: #9da7b1; --line: #3d444d; --loud: #ffb380 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60em;
  margin: 2em auto; padding: 0 1.2em }
h1 { font-size: 1.6em; margin: 0 0 .3em } h2 { font-size: 1.2em; margin: 2em 0 .4em }
.loud { border: 2px solid var(--loud); color: var(--loud); font-weight: 600; padding: .5em .8em; border-radius: 4px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1em } dt { color: var(--muted) } dd { margin: 0;
  overflow-wrap: anywhere }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3em .6em; text-align: right; vertical-align: top }
th { font-weight: 600 } td small { display: block; color: var(--muted); white-space: nowrap }
th:first-child, td:first-child { text-align: left } tr.own td { font-weight: 600 } tr.own small { font-weight: 400 }
figure { margin: 1em 0; padding: .6em; background: #fff; border: 1px solid var(--line); border-radius: 4px }
figure svg { display: block; width: 100%; height: auto }
figcaption, .how { color: var(--muted); font-size: .92em } figcaption { color: #57606a; padding: .4em .3em 0 }
@media print {
  :root { --ink: #000; --paper: #fff; --muted: #444; --line: #bbb; --loud: #9a3b00 }
  body { margin: 0; max-width: none; font-size: 10pt }
  figure, tr, .loud { break-inside: avoid } .wide { overflow: visible }
  h2, h3 { break-after: avoid }
}
""".strip()


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
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Held-out evaluation</title>\n'
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


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
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in facts.items() if said)
    yield f"<dl>{entries}</dl>\n"


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
            yield _table(
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
        yield _plot(
            calibration_plot(report),
            "Calibration: what is covered when another rate is stated. Each group's margin is taken over the "
            "other groups' "
            "held-out rows. On the dotted line a bound keeps what it states; above it, it is wider than it need "
            "be. Bands "
            f"are {report.confidence:.0%} intervals over groups.",
        )
    if best_known(report, HeldOutKind.UNSEEN_VICTIM) is not None:
        yield _plot(
            coverage_plot(report),
            f"Coverage of each group; red is less than the stated {report.rate:.0%} (dotted). A group's interval "
            "counts each "
            "different company that it was seen in as one row. The stated rate is meant for the mean, not for "
            "each group.",
        )
        yield _plot(
            bounds_plot(report),
            "Bound against measured slowdown of unseen victims, in times, both axes logarithmic. The nearer "
            "above the line, "
            "the better; the darker, the more rows. At the very top are bounds that are the ceiling.",
        )


def _bound_row(figures: BoundFigures) -> tuple[str, ...]:
    name = escape(figures.bounder)
    worst = f"{100 * figures.coverage_worst_group.value:.0f} %<small>{escape(figures.worst_group)}</small>"
    return (
        name if figures.tier is None else f"{name}<small>profile: {figures.tier}</small>",
        _share(figures.coverage),
        _share(figures.coverage_pooled),
        worst,
        _number(figures.mean_tightness),
        f"{100 * figures.ceiling.value:.1f} %",
        _share(figures.mean_error),
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
    yield _table(
        ("judge", "macro-F1", "stressed only", "where decided", "unknown"),
        [_regime_row(figures) for figures in report.regimes],
        own=[figures.abstention is not None for figures in report.regimes],
    )
    own = next(figures for figures in report.regimes if figures.abstention is not None)
    yield _table(("axis", "F1"), [(escape(axis), f"{score:.2f}") for axis, score in own.f1.items()], own=None)
    if own.axes:
        yield _plot(
            axes_plot(own),
            "What was said of each axis: green right, red wrong, grey undecided. Numbers are windows, each once "
            "for every "
            "group held out of it.",
        )
    if own.confusion is not None and own.confusion.regimes:
        yield _plot(
            confusion_plot(own),
            "Regimes as labelled and as judged, in shares of each label's windows. Left out: "
            f"{own.confusion.unlabelled:,} windows of which nobody can say which regime they were.",
        )


def _regime_row(figures: RegimeFigures) -> tuple[str, ...]:
    scores = (figures.macro_f1, figures.macro_f1_injected, figures.macro_f1_decided)
    unknown = "" if figures.abstention is None else _share(figures.abstention)
    return (escape(figures.judge), *("" if score is None else _number(score) for score in scores), unknown)


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
        yield _table(
            ("without", "macro-F1", "where decided", "axes undecided", "contradicted", "not judged"),
            [
                (
                    escape(each.group),
                    _number(each.macro_f1),
                    _number(each.macro_f1_decided),
                    f"{100 * each.undecided:.1f} %",
                    _share(each.contradicted, decimals=1),
                    escape(", ".join(each.unseen)),
                )
                for each in report.missing
            ],
            own=None,
        )
    if report.clocks:
        yield _table(
            ("core clock", "rows", "covered", "tightness, mean", "macro-F1", "contradicted"),
            [
                (
                    f"&times; {each.clock:g}",
                    f"{each.rows:,}",
                    _share(each.coverage),
                    _number(each.mean_tightness),
                    "" if each.macro_f1 is None else _number(each.macro_f1),
                    "" if each.contradicted is None else _share(each.contradicted, decimals=1),
                )
                for each in report.clocks
            ],
            own=None,
        )
    yield _plot(
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
        yield _table(
            ("windows observed", "covered, mean of groups", "worst workload", "tightness, mean"),
            [
                (
                    str(each.observations),
                    _share(each.coverage),
                    f"{100 * each.coverage_worst_workload:.0f} %",
                    _number(each.mean_tightness),
                )
                for each in report.observed
            ],
            own=None,
        )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, own: Sequence[bool] | None) -> str:
    """Cells are HTML; rows of the model itself stand out."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    ours = own or [False] * len(rows)
    body = "".join(
        f"<tr{' class=own' if mine else ''}>{''.join(f'<td>{_unbroken(cell)}</td>' for cell in row)}</tr>\n"
        for row, mine in zip(rows, ours, strict=True)
    )
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n'


def _unbroken(cell: str) -> str:
    return cell.replace(" %", "&nbsp;%")


def _plot(svg: str, caption: str) -> str:
    drawn = svg.replace("<svg ", '<svg role="img" ', 1)
    return f"<figure>\n{drawn}\n<figcaption>{caption}</figcaption>\n</figure>\n"


def _share(figure: Figure, *, decimals: int = 0) -> str:
    said = f"{100 * figure.value:.{decimals}f} %"
    return f"{said}<small>{100 * figure.lower:.{decimals}f} to {100 * figure.upper:.{decimals}f}</small>"


def _number(figure: Figure) -> str:
    return f"{figure.value:.2f}<small>{figure.lower:.2f} to {figure.upper:.2f}</small>"
