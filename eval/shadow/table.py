"""The shadow report for a terminal, from 80 columns on."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from eval.cells import share_cell
from eval.figure import Figure
from eval.shadow import words
from eval.shadow.closing import percent
from eval.shadow.report import Arm, ShadowReport, Spread, Table


def render_shadow(report: ShadowReport) -> RenderableType:
    """In the order in which an operator asks."""
    return Group(
        *_heading(report),
        *_champions(report),
        *_changes(report),
        *_harm(report),
        *_right(report),
        *_arms(report),
        *_odd(report),
        Text("In plain words:", style="bold"),
        *(Text(sentence) for sentence in report.closing),
    )


def _heading(report: ShadowReport) -> Iterator[RenderableType]:
    seen = report.seen
    if simulated := words.simulated_sentence(report):
        yield Text(simulated, style="bold")
    narrowed = words.asked_for(report)
    yield Text.assemble(
        ("In the shadow", "bold"),
        f": {seen.placements} pods placed, judged {words.period(report)}{f' ({narrowed})' if narrowed else ''}; "
        f"{seen.shadowed} only looked at, {seen.pods_required} require their tolerance",
    )
    if seen.unasked or seen.unbounded:
        silent = seen.unasked + seen.unbounded
        yield Text(
            f"Nothing can be said of {silent} ({percent(silent, seen.placements)}): in {seen.unasked} the node taken "
            f"was not among those asked about last, in {seen.unbounded} nothing was predicted of it; why is not "
            "recorded."
        )


def _grid(*columns: str) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    first, *others = columns
    grid.add_column(first, overflow="fold")
    for name in others:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid


def _titled(title: str, grid: Grid) -> Group:
    return Group(Text(f"{title}:"), grid)


def _champions(report: ShadowReport) -> Iterator[RenderableType]:
    if report.seen.champions:
        grid = _grid("champion", "version", "judged first", "placed", "states", "held", "groups")
        for champion in report.seen.champions:
            grid.add_row(
                words.short(champion.digest),
                champion.version or "not here",
                words.stamp(champion.first),
                f"{champion.placements}",
                words.stated_of(champion),
                _share(champion.held),
                f"{champion.groups}",
            )
        yield _titled("Who judged, and whether its bounds held", grid)


def _changes(report: ShadowReport) -> Iterator[RenderableType]:
    changes = report.shadowed
    if changes.placements:
        grid = _grid("Leeward would have", "bound there", "at the best", "placements", "share", "went beyond")
        for cell in words.cells_shown(changes):
            grid.add_row(
                words.ANSWERS[cell.answer],
                words.FITS[cell.here],
                words.best_fit(cell),
                f"{cell.placements}",
                percent(cell.placements, changes.placements),
                words.went(cell.exceeded, cell.kept),
            )
        yield _titled("What would have changed, of pods in the shadow", grid)
        yield Text(words.points_sentence(changes))
        if changes.taken is not None and changes.best is not None:
            yield Text(
                f"Worst bound over its tolerance: {_spread(changes.taken)} on the node taken; "
                f"{_spread(changes.best)} on the best."
            )
    for sentence in (words.ruled_out_sentence(report), words.outvoted_sentence(report)):
        if sentence:
            yield Text(sentence)
    if changes.placements:
        yield Text(words.MOVED_CAUTION, style="dim")
        yield _titled("By workload, the most affected first", _rows("workload", changes.workloads))
        yield _titled("By node", _rows("node", changes.nodes))


def _rows(name: str, table: Table) -> Grid:
    grid = _grid(name, "placed", "moved", "beyond", "no better", "taken", "best", "worst")
    for row in table.rows:
        counts = (row.placements, row.moved, row.beyond, row.no_better)
        ratios = ("" if ratio is None else f"{ratio:.2f}" for ratio in (row.taken, row.best, row.worst))
        grid.add_row(row.name, *map(str, counts), *ratios)
    if table.more:
        grid.add_row(Text(f"and {table.more} more", style="dim"))
    return grid


def _harm(report: ShadowReport) -> Iterator[RenderableType]:
    harm = report.harm
    if not harm.at:
        return
    grid = _grid("workload", "newcomers", "residents", "placements", "moved", "worst")
    for row in harm.workloads:
        grid.add_row(
            row.workload, *map(str, (row.newcomers, row.residents, row.placements, row.moved)), f"{row.worst:.2f}"
        )
    if harm.more:
        grid.add_row(Text(f"and {harm.more} more", style="dim"))
    yield _titled("Who was in danger where a newcomer went", grid)
    yield Text(words.harm_sentence(harm))


def _right(report: ShadowReport) -> Iterator[RenderableType]:
    right = report.right
    if not right.windows or not report.shadowed.placements:
        return
    grid = _grid("of pods in the shadow", "went beyond", "share", "workloads", "no outcome")
    for name, kind in words.kinds_of(right):
        grid.add_row(
            name, words.went(kind.exceeded, kind.kept), _share(kind.share), f"{kind.workloads}", f"{kind.unknown}"
        )
    yield _titled("How it really went", grid)
    yield Text(words.OUTCOME_CAUTION, style="dim")


def _arms(report: ShadowReport) -> Iterator[RenderableType]:
    if report.arms is None:
        return
    grid = _grid("workloads", "with an outcome", "windows", "beyond tolerance")
    for name, arm in (("in the shadow", report.arms.shadowed), ("steered", report.arms.steered)):
        grid.add_row(name, *_arm(arm))
    yield _titled("In the shadow against steered", grid)
    yield Text(
        f"{words.ARMS_CAUTION} Left out: {report.arms.changed} that were on both sides, {report.arms.unknown} none of "
        "whose pods came.",
        style="dim",
    )


def _arm(arm: Arm) -> tuple[str | Text, ...]:
    return f"{arm.workloads}", f"{arm.windows}", _share(arm.beyond)


def _odd(report: ShadowReport) -> Iterator[RenderableType]:
    if report.odd:
        yield Text("What was odd:", style="bold")
        for odd in report.odd:
            yield Text(f"  {odd.count:>6} {odd.what}{f'; first {odd.first}' if odd.first else ''}")


def _share(figure: Figure | None) -> str | Text:
    return Text("too few", style="dim") if figure is None else share_cell(figure)


def _spread(spread: Spread) -> str:
    return f"median {spread.median:.2f}, 90 % up to {spread.ninetieth:.2f}, worst {spread.worst:.2f}"
