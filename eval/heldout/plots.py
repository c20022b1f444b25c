"""The plots of a held-out report, as SVG that stands in a page: calibration, coverage, bounds, regimes, flips."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator, PercentFormatter

from contracts.profile import Tier
from eval.heldout.report import BoundFigures, Density, HeldOutReport, RegimeFigures
from eval.heldout.tally import density_edges
from eval.panels import draw_dots, draw_stacked, panels_of, svg_element
from eval.pictures.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    PALE,
    VERMILLION,
    WIDTH_INCHES,
    house_style,
    label,
    panel,
)
from pipelines.predictions import HeldOutKind

KINDS = {HeldOutKind.UNSEEN_VICTIM: "unseen victim", HeldOutKind.UNSEEN_CO_RUNNER: "unseen co-runner"}
_TIER_COLOURS = {Tier.COUNTERS: VERMILLION, Tier.PROBED: BLUE}
_ROW_INCHES = 0.2
_FULL = LinearSegmentedColormap.from_list("leeward", ["#e6f0f7", BLUE, "#002b45"])


def calibration_plot(report: HeldOutReport) -> str:
    """Coverage against the stated rate, a panel a kind of unseen."""
    with house_style():
        sheet, panels = panels_of(2, height=3.5)
        for axes, (kind, name) in zip(panels, KINDS.items(), strict=True):
            panel(axes, title=name, x="rate that a bound states", y="share of rows covered, mean over groups")
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
            axes.axvline(report.rate, color=PALE, linewidth=0.8)
            for figures in _of_kind(report, kind):
                if figures.tier is not None and figures.calibration:
                    _calibration(axes, figures, _TIER_COLOURS[figures.tier])
            for each in (axes.xaxis, axes.yaxis):
                each.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.set(xlim=(0.45, 1.0), ylim=(0.3, 1.02))
            aside = 4.0 if report.rate < 0.7 else -4.0
            label(axes, f"stated here: {report.rate:.0%}", at=(report.rate, 0.33), colour=MUTED, by=(aside, 0.0))
            label(axes, "as stated", at=(0.995, 0.9), colour=MUTED, by=(-4.0, 0.0))
        return svg_element(sheet, "calibration")


def coverage_plot(report: HeldOutReport) -> str:
    """Each group's share of rows whose bound held, with its interval, in the best known tier."""
    chosen = [figures for kind in KINDS if (figures := best_known(report, kind)) is not None and figures.by_group]
    most = max(len(figures.by_group) for figures in chosen)
    with house_style():
        sheet, panels = panels_of(len(chosen), height=1.1 + _ROW_INCHES * (most + 1), left=1.35, between=1.45)
        for axes, figures in zip(panels, chosen, strict=True):
            ordered = sorted(figures.by_group, key=lambda each: (each.coverage.value, each.group))
            rows = [("mean of groups", figures.coverage), *((each.group, each.coverage) for each in ordered)]
            panel(axes, title=f"{KINDS[figures.kind]}, {figures.tier}", x="share of rows covered")
            draw_dots(axes, rows, good=lambda share: share >= report.rate)
            axes.axvline(report.rate, color=INK, linewidth=0.8, linestyle=":")
            axes.set_ylim(most + 0.6, -0.6)
            axes.set_xlim(0.0, 1.02)
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        return svg_element(sheet, "coverage")


def bounds_plot(report: HeldOutReport) -> str:
    """Bound against measured slowdown of unseen victims, both logarithmic, a panel a tier."""
    found = [
        (figures.tier, figures.density)
        for figures in _of_kind(report, HeldOutKind.UNSEEN_VICTIM)
        if figures.tier is not None and figures.density is not None
    ]
    with house_style():
        sheet, panels = panels_of(len(found), height=4.3 if len(found) > 1 else 4.6, between=0.8)
        for axes, (tier, density) in zip(panels, found, strict=True):
            panel(axes, title=f"profile: {tier}", x="measured slowdown (times)", y="stated bound (times)")
            _density(axes, density)
        return svg_element(sheet, "bounds")


def axes_plot(figures: RegimeFigures) -> str:
    """What was said of windows where an axis was labelled pressed, and where it was labelled clear."""
    with house_style():
        sheet, panels = panels_of(2, height=1.2 + 0.27 * len(figures.axes), left=0.85, right=0.6, between=1.2)
        names = [each.axis for each in figures.axes]
        pressed = [
            (each.pressed_said_pressed, each.pressed_undecided, each.pressed_said_clear) for each in figures.axes
        ]
        clear = [(each.clear_said_pressed, each.clear_undecided, each.clear_said_clear) for each in figures.axes]
        for axes, title, counts in zip(panels, ("labelled pressed", "labelled clear"), (pressed, clear), strict=True):
            panel(axes, title=title, x="share of windows")
            right = (GREEN, VERMILLION) if title == "labelled pressed" else (VERMILLION, GREEN)
            draw_stacked(axes, names, counts, colours=(right[0], PALE, right[1]))
        return svg_element(sheet, "axes")


def confusion_plot(figures: RegimeFigures) -> str:
    """Regimes as they were labelled and judged, in shares of each label."""
    assert figures.confusion is not None
    names, counts = figures.confusion.regimes, np.array(figures.confusion.counts, dtype=np.float64)
    labelled = counts.sum(axis=1) > 0
    rows, counts = [name for name, there in zip(names, labelled, strict=True) if there], counts[labelled]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    with house_style():
        side, height = 0.46 * len(names), 0.36 * len(rows)
        sheet, (axes,) = panels_of(
            1, height=height + 1.3, left=1.2, bottom=0.9, right=max(WIDTH_INCHES - 1.2 - 1.6 * side, 0.3)
        )
        axes.grid(visible=False)
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        for (row, column), share in np.ndenumerate(shares):
            if counts[row, column]:
                corner = (column - 0.5, row - 0.5)
                axes.add_patch(Rectangle(corner, 1.0, 1.0, facecolor=_FULL(share), edgecolor="none"))
                said = f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"
                colour = "white" if share > 0.45 else INK
                axes.text(column, row, said, ha="center", va="center", color=colour, size=7)
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
        axes.set_yticks(
            range(len(rows)), [f"{name} ({int(of):,})" for name, of in zip(rows, counts.sum(axis=1), strict=True)]
        )
        panel(axes, x="judged", y="labelled (windows)")
        return svg_element(sheet, "confusion")


def flips_plot(report: HeldOutReport) -> str:
    """How often a regime turns into another, although only the clock turned or events went missing."""
    parts = [
        (
            "clock, in the campaign",
            [(f"x {each.clock:g}", each.contradicted) for each in report.clocks if each.contradicted],
        ),
        ("events taken from windows", [(_without(each.group), each.contradicted) for each in report.missing]),
        ("measured again on the testbed", [(each.change, each.contradicted) for each in report.steadiness]),
    ]
    shown = [(title, rows) for title, rows in parts if rows]
    most = max(len(rows) for _, rows in shown)
    highest = max(figure.upper for _, rows in shown for _, figure in rows)
    with house_style():
        sheet, panels = panels_of(len(shown), height=1.1 + _ROW_INCHES * most, left=1.35, between=1.35)
        for axes, (title, rows) in zip(panels, shown, strict=True):
            panel(axes, title=title, x="share of windows contradicted")
            draw_dots(axes, rows, good=lambda share: share <= 0.02)
            axes.set_ylim(most - 0.4, -0.6)
            axes.set_xlim(0.0, max(1.1 * highest, 0.01))
            axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        return svg_element(sheet, "flips")


def _without(group: str) -> str:
    return "virtual machine" if group == "virtual-machine" else f"no {group}"


def best_known(report: HeldOutReport, kind: HeldOutKind) -> BoundFigures | None:
    """The model's figures in the tier in which most is known of victims."""
    own = {figures.tier: figures for figures in _of_kind(report, kind) if figures.tier is not None}
    return own.get(Tier.PROBED) or own.get(Tier.COUNTERS)


def _of_kind(report: HeldOutReport, kind: HeldOutKind) -> Iterator[BoundFigures]:
    return (figures for figures in report.bounds if figures.kind is kind)


def _calibration(axes: Axes, figures: BoundFigures, colour: str) -> None:
    xs = [point.nominal for point in figures.calibration]
    ys = [point.coverage.value for point in figures.calibration]
    axes.fill_between(
        xs,
        [point.coverage.lower for point in figures.calibration],
        [point.coverage.upper for point in figures.calibration],
        color=colour,
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(xs, ys, color=colour, marker="o")
    corner = 0.14 if figures.tier is Tier.COUNTERS else 0.2
    axes.text(0.97, corner, f"profile: {figures.tier}", color=colour, ha="right", transform=axes.transAxes)


def _density(axes: Axes, density: Density) -> None:
    edges = density_edges()
    axes.set(xscale="log", yscale="log", xlim=(edges[0], edges[-1]), ylim=(edges[0], edges[-1] * 1.02))
    for each in (axes.xaxis, axes.yaxis):
        each.set_major_locator(FixedLocator([1, 1.5, 2, 3, 5, 10]))
        each.set_major_formatter(FixedFormatter(["1", "1.5", "2", "3", "5", "10"]))
        each.set_minor_locator(NullLocator())
    most = max(cell.rows for cell in density.cells)
    for cell in density.cells:
        corner = (edges[cell.slowdown], edges[cell.bound])
        size = (edges[cell.slowdown + 1] - corner[0], edges[cell.bound + 1] - corner[1])
        colour = _FULL(np.log1p(cell.rows) / np.log1p(most))
        axes.add_patch(Rectangle(corner, *size, facecolor=colour, edgecolor="none"))
    axes.plot(edges[[0, -1]], edges[[0, -1]], color=VERMILLION, linewidth=1.0)
    label(axes, "bound held", at=(1.25, 8.3), colour=INK)
    label(axes, "bound broken", at=(4.2, 1.1), colour=VERMILLION)
