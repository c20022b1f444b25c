"""Panels of plots that stand in a report's page, as SVG."""

import io
import re
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import PercentFormatter

from eval.figure import Figure
from eval.pictures.style import BLUE, FAINT, INK, MUTED, VERMILLION, WIDTH_INCHES


def panels_of(
    columns: int, *, height: float, left: float = 0.6, right: float = 0.25, between: float = 0.75, bottom: float = 0.55
) -> tuple[Sheet, tuple[Axes, ...]]:
    """A sheet with a row of panels; to be called and drawn on within ``house_style``.

    Args:
        columns: how many.
        height: of the sheet, in inches.
        left, right, between, bottom: margins, in inches.
    """
    sheet = Sheet(figsize=(WIDTH_INCHES, height))
    inner = (WIDTH_INCHES - left - right - (columns - 1) * between) / columns
    panels = sheet.subplots(
        1,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / WIDTH_INCHES,
            "right": 1.0 - right / WIDTH_INCHES,
            "top": 1.0 - 0.35 / height,
            "bottom": bottom / height,
            "wspace": between / inner,
        },
    )
    return sheet, tuple(panels.flat)


def draw_dots(axes: Axes, rows: Sequence[tuple[str, Figure]], *, good: Callable[[float], bool]) -> None:
    """One row a figure, its interval as a line; red where its value is not good."""
    for place, (_, figure) in enumerate(rows):
        colour = BLUE if good(figure.value) else VERMILLION
        axes.plot([figure.lower, figure.upper], [place, place], color=colour, linewidth=1.2, alpha=0.55)
        axes.plot([figure.value], [place], color=colour, marker="o", linestyle="none", clip_on=False)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")


def draw_stacked(axes: Axes, names: Sequence[str], counts: Sequence[Sequence[int]], *, colours: Sequence[str]) -> None:
    """One bar a name, in shares of its counts; how many there are stands beside it."""
    for place, row in enumerate(counts):
        total, begin = sum(row), 0.0
        for count, colour in zip(row, colours, strict=True):
            share = count / total if total else 0.0
            axes.barh(place, share, left=begin, height=0.7, color=colour)
            begin += share
        axes.text(1.01, place, f"{total:,}", va="center", color=MUTED, size=7)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.set(xlim=(0.0, 1.0), ylim=(len(names) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_facecolor(FAINT)


def svg_element(sheet: Sheet, name: str) -> str:
    """The element alone; its ids begin with its name, so that several stand in one page."""
    drawn = io.StringIO()
    sheet.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    element = drawn.getvalue()
    element = element[element.index("<svg") :]
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'href="#', f'href="#{name}-', element)
    element = re.sub(r"url\(#", f"url(#{name}-", element)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", element, count=2)
