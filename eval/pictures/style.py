"""What all pictures have in common: paper, palette, type, and labels that stand beside what they name.

The paper is white and opaque, so that a page may be light or dark. Colours are those of Okabe and Ito, "Color Universal
Design", 2008, which people with any kind of colour blindness tell apart. Text is drawn as outlines: no viewer lacks the
font. Figures are drawn without ``pyplot``, which has state of its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAPER = "#ffffff"
INK = "#24292f"
MUTED = "#6a737d"
FAINT = "#dfe3e8"
PALE = "#c3cad2"
"""Of lines that matter only as a crowd."""
BLUE = "#0072b2"
VERMILLION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#b5559c"
"""Darker than Okabe and Ito's, to be legible as text."""

WIDTH_INCHES = 8.6
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.55, 0.25, 0.7, 0.45
"""Margins in inches."""
_TITLE_INCHES = 0.25
_ROWS_INCHES = 0.6
_LINE_POINTS = 10.5


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save within it; a user's own settings of matplotlib do not count."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "svg.hashsalt": "leeward",
                "svg.fonttype": "path",
                "path.simplify": False,
                "font.family": "DejaVu Sans",
                "font.size": 8.0,
                "text.color": INK,
                "axes.labelcolor": MUTED,
                "axes.edgecolor": MUTED,
                "axes.facecolor": PAPER,
                "axes.linewidth": 0.6,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.grid": True,
                "axes.axisbelow": True,
                "axes.titlesize": 8.5,
                "axes.titlelocation": "left",
                "axes.titlepad": 7.0,
                "grid.color": FAINT,
                "grid.linewidth": 0.5,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "xtick.major.size": 2.5,
                "ytick.major.size": 2.5,
                "figure.facecolor": PAPER,
                "lines.linewidth": 1.6,
                "lines.markersize": 3.5,
                "lines.solid_capstyle": "round",
            }
        )
        yield


def sheet(
    title: str,
    what: str,
    *,
    columns: int,
    rows: int = 1,
    height: float = 3.4,
    between: float = 0.75,
    right: float = _RIGHT,
    left: float = _LEFT,
    titled: bool = True,
) -> tuple[Figure, tuple[Axes, ...]]:
    """A figure with a headline, and its panels row by row.

    Args:
        title: the law in a few words.
        what: what is shown; that it is simulated is said before it.
        columns, rows: of panels.
        height: of the whole, in inches.
        between: inches between columns, which hold labels.
        right, left: margins in inches.
        titled: whether panels have titles of their own.
    """
    figure = Figure(figsize=(WIDTH_INCHES, height))
    top = _TOP + _TITLE_INCHES * titled
    inner_width, inner_height = WIDTH_INCHES - left - right, height - top - _BOTTOM
    panels = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / WIDTH_INCHES,
            "right": 1.0 - right / WIDTH_INCHES,
            "top": 1.0 - top / height,
            "bottom": _BOTTOM / height,
            "wspace": between * columns / (inner_width - (columns - 1) * between),
            "hspace": _ROWS_INCHES * rows / (inner_height - (rows - 1) * _ROWS_INCHES),
        },
    )
    figure.text(0.15 / WIDTH_INCHES, 1.0 - 0.27 / height, title, size=11.5, weight="bold")
    figure.text(0.15 / WIDTH_INCHES, 1.0 - 0.5 / height, f"Simulated. {what}", color=MUTED)
    return figure, tuple(panels.flat)


def panel(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Name a panel and its axes; the unit stands in the name of the axis."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def label(axes: Axes, text: str, *, at: tuple[float, float], colour: str, by: tuple[float, float] = (4.0, 0.0)) -> None:
    """Write beside a point.

    Args:
        axes: the panel.
        text: what to write.
        at: the point, in data.
        colour: of the text.
        by: how far from it, in printer's points; to the left of it where the first is negative.
    """
    axes.annotate(
        text,
        xy=at,
        xytext=by,
        textcoords="offset points",
        color=colour,
        va="center",
        ha="right" if by[0] < 0 else "left" if by[0] > 0 else "center",
        annotation_clip=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a panel, labelled where it ends."""

    xs: Sequence[float]
    ys: Sequence[float]
    name: str
    colour: str
    dashed: bool = False


def draw_lines(axes: Axes, lines: Sequence[Line], *, lines_of_text: int = 1) -> None:
    """Draw lines and write each one's name at its right end, moved apart where they would cover one another.

    Limits and scales of the panel are to be set before.
    """
    for line in lines:
        axes.plot(line.xs, line.ys, color=line.colour, linestyle="--" if line.dashed else "-")
    ends = [(float(line.xs[-1]), float(line.ys[-1])) for line in lines]
    heights = [float(axes.transData.transform(end)[1]) for end in ends]
    pixels = lines_of_text * _LINE_POINTS * axes.figure.dpi / 72.0
    for line, end, height, apart in zip(lines, ends, heights, spread_out(heights, least=pixels), strict=True):
        label(axes, line.name, at=end, colour=line.colour, by=(4.0, (apart - height) * 72.0 / axes.figure.dpi))


def spread_out(heights: Sequence[float], *, least: float) -> list[float]:
    """Heights at least so far from one another, in the same order, each cluster around its own mean."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    clusters: list[tuple[float, int]] = []
    for index in order:
        mean, size = heights[index], 1
        while clusters and mean - (size - 1) * least / 2 < clusters[-1][0] + (clusters[-1][1] + 1) * least / 2:
            before, number = clusters.pop()
            mean, size = (before * number + mean * size) / (number + size), size + number
        clusters.append((mean, size))
    placed = [mean + (place - (size - 1) / 2) * least for mean, size in clusters for place in range(size)]
    moved = [0.0] * len(heights)
    for index, height in zip(order, placed, strict=True):
        moved[index] = height
    return moved
