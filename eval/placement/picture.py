"""One picture: how much of the time is violated, against how many pods share a node, by policy."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet

from eval.pictures.gallery import svg_of
from eval.pictures.style import BLUE, GREEN, MUTED, PURPLE, VERMILLION, label, panel, sheet, spread_out
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport
from eval.placement.table import TITLES
from eval.reports import report_path

_COLOURS = {PolicyName.LEEWARD: BLUE, PolicyName.ORACLE: GREEN, PolicyName.DEFAULT: VERMILLION}
_PARTITIONED = PURPLE
_POINTS_A_LINE = 11.0


def draw_placement(report: PlacementReport) -> Sheet:
    """A point a policy with its interval, named beside it."""
    drawn, axes = violated_over_pods(
        "Where pods are put decides how long they suffer",
        f"Mix {report.mix}, {report.nodes} nodes, {len(report.runs)} runs, {100 * report.confidence:.0f} % intervals.",
    )
    for figures in report.policies:
        at, violated = figures.pods_per_node.value, figures.violated
        axes.errorbar(
            at,
            100 * violated.value,
            yerr=[[100 * (violated.value - violated.lower)], [100 * (violated.upper - violated.value)]],
            fmt="o",
            color=colour_of(figures.policy),
        )
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0.15)
    label_policies(
        drawn,
        axes,
        [(each.policy, each.pods_per_node.value, 100 * each.violated.value) for each in report.policies],
    )
    return drawn


def violated_over_pods(title: str, told: str) -> tuple[Sheet, Axes]:
    """An empty sheet with room for policies' names at its right."""
    drawn, (axes,) = sheet(title, told, columns=1, height=4.2, right=1.7, titled=False)
    panel(axes, x="pods a node with pods", y="time with a violated tolerance, %")
    return drawn, axes


def label_policies(drawn: Sheet, axes: Axes, points: Sequence[tuple[PolicyName, float, float]]) -> None:
    """Name each policy beside its point, names apart from one another.

    Args:
        drawn, axes: the picture, with its limits set.
        points: policy, and where it is in the axes' own units.
    """
    heights = [float(axes.transData.transform((0.0, y))[1]) for _, _, y in points]
    apart = spread_out(heights, least=_POINTS_A_LINE * drawn.dpi / 72.0)
    for (policy, x, y), height, moved in zip(points, heights, apart, strict=True):
        label(
            axes,
            TITLES[policy],
            at=(x, y),
            colour=colour_of(policy),
            by=(8.0, (moved - height) * 72.0 / drawn.dpi),
        )


def write_picture(report: PlacementReport, state: Path) -> Path:
    """As SVG beside the report.

    Returns:
        Where it lies.
    """
    path = report_path(state, f"placement-{report.mix}.svg")
    path.write_bytes(svg_of(lambda: draw_placement(report)))
    return path


def colour_of(policy: PolicyName) -> str:
    """The same in every picture."""
    return _PARTITIONED if policy.partitions else _COLOURS.get(policy, MUTED)
