"""The plots of a shadow report: when pods would have moved, how the node taken suits and the best, how it went."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from eval.panels import draw_dots, draw_stacked, panels_of, svg_element
from eval.pictures.style import BLUE, GREEN, INK, MUTED, PALE, VERMILLION, house_style, label, panel
from eval.shadow import words
from eval.shadow.report import Arms, Changes, Right, Slot, Spread

_SLOTS = (
    ("left", "would have left", PALE),
    ("moved", "would have moved", BLUE),
    ("no_better", "beyond, no better", VERMILLION),
)
_UNSAID = ("unsaid", "nothing said", "#eceff2")
_FEWEST_DAYS_NAMED = 12


def times_plot(changes: Changes) -> str:
    """Placements by day and by hour of the day, by what would have become of them."""
    with house_style():
        sheet, (days, hours) = panels_of(2, height=3.0, between=0.6)
        _bars(days, changes.days, title="by day")
        _bars(hours, changes.hours, title="by hour of the day, UTC")
        hours.set_xticks(range(0, 24, 4), [f"{hour:02d}" for hour in range(0, 24, 4)])
        every = max(1, -(-len(changes.days) // _FEWEST_DAYS_NAMED))
        places = range(0, len(changes.days), every)
        days.set_xticks(places, [changes.days[place].name[5:] for place in places])
        return svg_element(sheet, "times")


def ratios_plot(taken: Spread, best: Spread) -> str:
    """Share of placements whose worst ratio is at most so high, on the node taken and on the best."""
    with house_style():
        sheet, (axes,) = panels_of(1, height=3.2)
        panel(axes, x="worst bound over its tolerance (times)", y="share of placements at or below")
        shares = np.linspace(0.0, 1.0, len(taken.steps))
        for spread, name, colour in ((best, "best node", BLUE), (taken, "node taken", VERMILLION)):
            axes.plot(spread.steps, shares, color=colour, label=f"{name}, median {spread.median:.2f}")
        axes.legend(frameon=False, loc="lower right", labelcolor="linecolor")
        axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=":")
        label(axes, "tolerance", at=(1.0, 0.04), colour=MUTED, by=(4.0, 0.0))
        _logarithmic(axes, lowest=min(*taken.steps, *best.steps, 0.9), highest=max(*taken.steps, *best.steps, 1.1))
        axes.set_ylim(0.0, 1.03)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        return svg_element(sheet, "ratios")


def went_plot(right: Right) -> str:
    """How placements went, by what Leeward would have done and by how the node taken suits."""
    kinds = [(name, kind) for name, kind in words.kinds_of(right) if kind.exceeded + kind.kept]
    with house_style():
        sheet, (axes,) = panels_of(1, height=0.95 + 0.3 * len(kinds), left=2.3, right=0.6)
        draw_stacked(
            axes,
            [name for name, _ in kinds],
            [(kind.exceeded, kind.kept) for _, kind in kinds],
            colours=(VERMILLION, GREEN),
        )
        panel(axes, x="share of placements with an outcome")
        return svg_element(sheet, "went")


def arms_plot(arms: Arms) -> str:
    """Share of windows beyond tolerance, in the shadow and steered; both are to be known."""
    rows = [
        (f"{name} ({arm.workloads})", arm.beyond)
        for name, arm in (("in the shadow", arms.shadowed), ("steered", arms.steered))
        if arm.beyond is not None
    ]
    with house_style():
        sheet, (axes,) = panels_of(1, height=1.6, left=1.6)
        draw_dots(axes, rows, good=lambda _: True)
        panel(axes, x="share of windows beyond tolerance, mean over workloads")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0.0, max(1.1 * max(figure.upper for _, figure in rows), 0.05))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        return svg_element(sheet, "arms")


def _bars(axes: Axes, slots: Sequence[Slot], *, title: str) -> None:
    below = np.zeros(len(slots))
    kinds = (*_SLOTS, _UNSAID) if any(slot.unsaid for slot in slots) else _SLOTS
    for field, name, colour in kinds:
        heights = np.array([getattr(slot, field) for slot in slots], dtype=np.float64)
        axes.bar(range(len(slots)), heights, bottom=below, width=0.8, color=colour, label=name)
        below += heights
    axes.grid(visible=False, axis="x")
    axes.set_ylim(0.0, 1.3 * max(below.max(), 1.0))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    panel(axes, title=title, y="placements")
    axes.legend(frameon=False, loc="upper left", ncols=2, fontsize=7, labelcolor=MUTED)


def _logarithmic(axes: Axes, *, lowest: float, highest: float) -> None:
    axes.set(xscale="log", xlim=(0.95 * lowest, 1.05 * highest))
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if 0.95 * lowest <= tick <= 1.05 * highest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
