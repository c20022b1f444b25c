"""The held-out report for a terminal, from 80 columns on."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.cells import count_cell, named_cell, number_cell, share_cell
from eval.heldout.report import BoundFigures, HeldOutReport, RegimeFigures
from pipelines.predictions import HeldOutKind

_KINDS = {HeldOutKind.UNSEEN_VICTIM: "the victim is unseen", HeldOutKind.UNSEEN_CO_RUNNER: "a co-runner is unseen"}


def render_held_out(report: HeldOutReport) -> RenderableType:
    """Regimes, and bounds in both ways of being unseen, with what they stand on above and how to read them below."""
    return Group(
        _heading(report),
        *_regimes(report),
        *(_bounds(report, kind=kind, title=title) for kind, title in _KINDS.items()),
        *_observed(report),
        _footing(report),
        *_missing(report),
        *_clocks(report),
        *_on_the_testbed(report),
    )


def _heading(report: HeldOutReport) -> Text:
    source = "simulated testbed" if report.simulated else "said to be measured on hardware"
    source += "; CPU not characterised" if report.foreign else ""
    fitted = f", fitted on {report.fitted_rows} of them" if report.fitted_rows < report.rows else ""
    return Text.assemble(
        ("Held out", "bold"),
        f" ({source}): {report.rows} rows, {report.windows} windows judged{fitted}; each of {len(report.groups)} "
        "workload groups is left out in turn of everything that is fitted, then asked about",
    )


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    first, *others = columns
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _titled(title: str, table: Table) -> Group:
    """A table's own title would be broken where the table is narrow."""
    return Group(Text(f"{title}:"), table)


def _regimes(report: HeldOutReport) -> Iterator[RenderableType]:
    if not report.regimes:
        yield Text("No regime is judged: no axis is labelled pressed often enough, or the CPU is not characterised.")
        return
    table = _table("judge", "macro-F1", "stressed only", "decided only", "unknown")
    for figures in report.regimes:
        table.add_row(*_regime_row(figures))
    yield _titled("Regimes of windows with an unseen workload", table)


def _regime_row(figures: RegimeFigures) -> tuple[str | Text, ...]:
    return (
        figures.judge,
        Text("labels by it", style="dim") if figures.macro_f1 is None else number_cell(figures.macro_f1),
        _never() if figures.macro_f1_injected is None else number_cell(figures.macro_f1_injected),
        _never() if figures.macro_f1_decided is None else number_cell(figures.macro_f1_decided),
        _never() if figures.abstention is None else share_cell(figures.abstention),
    )


def _never() -> Text:
    return Text("never", style="dim")


def _missing(report: HeldOutReport) -> Iterator[RenderableType]:
    if report.missing:
        table = _table("without", "macro-F1", "decided only", "undecided", "weakest axes", "not judged")
        for figures in report.missing:
            weakest = sorted(figures.f1, key=lambda axis: figures.f1[axis])[:2]
            table.add_row(
                figures.group,
                number_cell(figures.macro_f1),
                number_cell(figures.macro_f1_decided),
                f"{100 * figures.undecided:.1f} %",
                "\n".join(f"{axis} {figures.f1[axis]:.2f}" for axis in weakest),
                ", ".join(figures.unseen),
            )
        yield _titled("Regimes of the same windows where a node lacks events", table)


def _clocks(report: HeldOutReport) -> Iterator[RenderableType]:
    if report.clocks:
        table = _table("core clock", "rows", "covered", "tightness", "macro-F1", "contradicted")
        for figures in report.clocks:
            table.add_row(
                f"x {figures.clock:g}",
                f"{figures.rows:,}",
                share_cell(figures.coverage),
                number_cell(figures.mean_tightness),
                _never() if figures.macro_f1 is None else number_cell(figures.macro_f1),
                "" if figures.contradicted is None else share_cell(figures.contradicted, decimals=1),
            )
        yield _titled("The same contention by clock setting", table)


def _bounds(report: HeldOutReport, *, kind: HeldOutKind, title: str) -> Group:
    table = _table(
        "bound",
        "covered",
        "pooled",
        "worst",
        "at rate",
        "tightness",
        "ceiling",
        "error",
    )
    for figures in report.bounds:
        if figures.kind is kind:
            table.add_row(*_bound_row(figures))
    return _titled(f"Bounds stated at {100 * report.rate:.0f} %, where {title}", table)


def _bound_row(figures: BoundFigures) -> tuple[str | Text, ...]:
    return (
        figures.bounder if figures.tier is None else named_cell(figures.bounder, figures.tier.value),
        share_cell(figures.coverage),
        share_cell(figures.coverage_pooled),
        named_cell(f"{100 * figures.coverage_worst_group.value:.0f} %", figures.worst_group),
        count_cell(figures.groups_at_rate),
        number_cell(figures.mean_tightness),
        f"{100 * figures.ceiling.value:.1f} %",
        share_cell(figures.mean_error),
    )


def _observed(report: HeldOutReport) -> Iterator[RenderableType]:
    if report.observed:
        table = _table("windows observed", "covered", "worst workload", "tightness")
        for figures in report.observed:
            worst = f"{100 * figures.coverage_worst_workload:.0f} %"
            table.add_row(
                str(figures.observations), share_cell(figures.coverage), worst, number_cell(figures.mean_tightness)
            )
        yield _titled("Bounds of an unseen, probed victim once it was observed in company", table)


def _on_the_testbed(report: HeldOutReport) -> Iterator[RenderableType]:
    if report.steadiness:
        table = _table("change", "contradicted", "as published", "unknown")
        for figures in report.steadiness:
            shares = (figures.contradicted, figures.published, figures.unknown)
            table.add_row(figures.change, *(share_cell(share, decimals=1) for share in shares))
        yield _titled("Regimes when only the clock turns, or events are missing", table)
    if report.clock is not None:
        found = report.clock.variance_explained
        yield Text(
            "Contradicted: called something else than before the change, on the same contention; as published: with "
            "the agent's hysteresis between the two windows. Trees that are "
            f"trained to read the core clock out of the whole vector explain {100 * found.value:.0f} % of its variance "
            f"({100 * found.lower:.0f} to {100 * found.upper:.0f}), on workloads unseen.",
            style="dim",
        )


def _footing(report: HeldOutReport) -> Text:
    return Text(
        f"Below each figure its {100 * report.confidence:.0f} % interval over {len(report.groups)} workload groups "
        "(bootstrap; at rate: exact binomial). Below Leeward: what was known of the victim, its counters alone or "
        "its answers to probes. Covered: share of windows that the bound held for, mean over groups. At rate: groups "
        "whose own share reaches the stated one. Tightness: mean of bound over slowdown, 1 is best. Error: mean, of "
        "the middle prediction. All rows are held out alike; the mean, the sum over pairs and plain XGBoost bound by "
        "the rate's quantile of what they were fitted on, without calibration over groups.",
        style="dim",
    )
