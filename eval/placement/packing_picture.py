"""One picture: violated time over pods a node, a line a policy, and the harm that is accepted."""

from pathlib import Path

from matplotlib.figure import Figure as Sheet

from eval.pictures.gallery import svg_of
from eval.pictures.style import MUTED
from eval.placement.packing_report import PackingReport
from eval.placement.picture import colour_of, label_policies, violated_over_pods
from eval.reports import report_path


def draw_packing(report: PackingReport) -> Sheet:
    """A line a policy, named at its end."""
    drawn, axes = violated_over_pods(
        "The better pods are placed, the more of them a node holds",
        f"Mix {report.mix}, {report.nodes} nodes, {report.policies[0].pods_per_node.units} runs a load.",
    )
    for policy in report.policies:
        axes.plot(
            [at.pods_per_node for at in policy.curve],
            [100 * at.violated for at in policy.curve],
            marker="o",
            markersize=3.0,
            linestyle="--" if policy.policy.partitions else "-",
            color=colour_of(policy.policy),
        )
    axes.axhline(100 * report.harm, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_ylim(bottom=0.0)
    ends = [(policy.policy, policy.curve[-1]) for policy in report.policies]
    label_policies(drawn, axes, [(name, end.pods_per_node, 100 * end.violated) for name, end in ends])
    return drawn


def write_packing_picture(report: PackingReport, state: Path) -> Path:
    """As SVG beside the report.

    Returns:
        Where it lies.
    """
    path = report_path(state, f"packing-{report.mix}.svg")
    path.write_bytes(svg_of(lambda: draw_packing(report)))
    return path
