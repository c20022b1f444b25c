"""The packing report for a terminal, from 80 columns on."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.cells import number_cell
from eval.placement.packing_report import PackedPolicy, PackingReport, Reach
from eval.placement.table import TITLES

_REACHED = {Reach.FEWER: "less than ", Reach.WITHIN: "", Reach.MORE: "more than "}


def render_packing(report: PackingReport) -> RenderableType:
    """One row a policy: violated time at each load, and the pods a node at the accepted harm."""
    runs = report.policies[0].pods_per_node.units
    heading = Text.assemble(
        ("Packing", "bold"),
        f", mix {report.mix} (simulated testbed): {report.nodes} nodes, {runs} runs a load; pods a node at which "
        f"{100 * report.harm:g} % of the pods' time is beyond what they tolerate",
    )
    footing = Text(
        f"Violated time at each load, means over runs. Pods a node, and as a multiple of the default scheduler's, with "
        f"{100 * report.confidence:.0f} % intervals over runs; less or more than: the harm is not met at any load "
        "that was played.",
        style="dim",
    )
    return Group(heading, _policies(report), footing)


def _policies(report: PackingReport) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for load in report.loads:
        table.add_column(f"{100 * load:.0f} %", justify="right", no_wrap=True)
    table.add_column("pods a node", justify="right", no_wrap=True)
    table.add_column("of default", justify="right", no_wrap=True)
    for policy in report.policies:
        table.add_row(*_row(policy))
    return table


def _row(policy: PackedPolicy) -> tuple[str | Text, ...]:
    pods = number_cell(policy.pods_per_node, decimals=1)
    times = "" if policy.times_default is None else number_cell(policy.times_default, decimals=2)
    return (
        TITLES[policy.policy],
        *(f"{100 * at.violated:.1f}" for at in policy.curve),
        Text.assemble(_REACHED[policy.reach], pods),
        Text.assemble(_REACHED[policy.times_reach], times) if times else "",
    )
