"""One picture: how much of the time is violated, against how many pods share a node, by policy."""

from pathlib import Path

from matplotlib.figure import Figure as Sheet

from eval.pictures.gallery import svg_of
from eval.pictures.style import BLUE, GREEN, MUTED, PURPLE, VERMILLION, label, panel, sheet, spread_out
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport
from eval.placement.table import TITLES
from eval.reports import report_path

_COLOURS = {PolicyName.LEEWARD: BLUE, PolicyName.ORACLE: GREEN, PolicyName.DEFAULT: VERMILLION}
_PARTITIONED = PURPLE
POINTS_A_LINE = 11.0


def draw_placement(report: PlacementReport) -> Sheet:
    """A point a policy with its interval, named beside it."""
    drawn, (axes,) = sheet(
        "Where pods are put decides how long they suffer",
        f"Mix {report.mix}, {report.nodes} nodes, {len(report.runs)} runs, {100 * report.confidence:.0f} % intervals.",
        columns=1,
        height=4.2,
        right=1.7,
        titled=False,
    )
    panel(axes, x="pods a node with pods", y="time with a violated tolerance, %")
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
    heights = [float(axes.transData.transform((0.0, 100 * each.violated.value))[1]) for each in report.policies]
    apart = spread_out(heights, least=POINTS_A_LINE * drawn.dpi / 72.0)
    for figures, height, moved in zip(report.policies, heights, apart, strict=True):
        label(
            axes,
            TITLES[figures.policy],
            at=(figures.pods_per_node.value, 100 * figures.violated.value),
            colour=colour_of(figures.policy),
            by=(8.0, (moved - height) * 72.0 / drawn.dpi),
        )
    return drawn


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
