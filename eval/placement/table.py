"""The placement report for a terminal, from 80 columns on."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.cells import number_cell, share_cell
from eval.figure import Figure
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport, PolicyFigures

TITLES = {
    PolicyName.DEFAULT: "default",
    PolicyName.MOST_ALLOCATED: "most allocated",
    PolicyName.RANDOM: "random",
    PolicyName.THRESHOLD: "thresholds",
    PolicyName.REGIME_ONLY: "regime only",
    PolicyName.LEEWARD: "Leeward",
    PolicyName.PARTITIONED: "CAT",
    PolicyName.PARTITIONED_LEEWARD: "CAT, Leeward",
    PolicyName.ORACLE: "greedy oracle",
}
"""As people read them."""

MOST_OF_DEFAULT = 0.2
"""Leeward's violated time is meant to be at most this share of the default scheduler's."""
MOST_OF_ORACLE = 1.15
"""And at most so many times the oracle's."""


def render_placement(report: PlacementReport) -> RenderableType:
    """One row a policy, and in a sentence whether Leeward is better than the default scheduler."""
    return Group(_heading(report), _policies(report), Text(verdict(report)), Text(targets(report)), _footing(report))


def verdict(report: PlacementReport) -> str:
    """What the comparison says of Leeward, whichever way it went."""
    if not {PolicyName.LEEWARD, PolicyName.ORACLE} <= {figures.policy for figures in report.policies}:
        return "Leeward and the oracle were not both played, so nothing is said of either."
    ours, best = report.of(PolicyName.LEEWARD), report.of(PolicyName.ORACLE)
    said = [
        f"{_points(gain)} {what}, {_chance(gain)}; the oracle {_points(possible)}"
        for what, gain, possible in (
            ("of the time with a violated tolerance", ours.violated_spared, best.violated_spared),
            ("of mean excess", ours.excess_spared, best.excess_spared),
        )
        if gain is not None and possible is not None
    ]
    return f"Against the default scheduler, Leeward has {'. It has '.join(said)}."


def targets(report: PlacementReport) -> str:
    """Whether the violated time keeps to what was meant, of the means over runs."""
    names = {figures.policy for figures in report.policies}
    if not {PolicyName.LEEWARD, PolicyName.ORACLE} <= names:
        return ""
    default, ours, best = (
        report.of(name).violated.value for name in (PolicyName.DEFAULT, PolicyName.LEEWARD, PolicyName.ORACLE)
    )
    of_default = "met" if ours <= MOST_OF_DEFAULT * default else "missed"
    of_oracle = "met" if ours <= MOST_OF_ORACLE * best else "missed"
    return (
        f"Violated time: {100 * ours:.1f} % under Leeward. At most a fifth of the default scheduler's "
        f"{100 * default:.1f} %: {of_default}. At most 15 % above the oracle's {100 * best:.1f} %: {of_oracle}."
    )


def _points(gain: Figure) -> str:
    return f"{100 * abs(gain.value):.1f} points {'less' if gain.value >= 0.0 else 'more'}"


def _chance(gain: Figure) -> str:
    interval = f"{100 * gain.lower:.1f} to {100 * gain.upper:.1f} less, run by run"
    return f"beyond chance ({interval})" if gain.lower > 0.0 or gain.upper < 0.0 else f"not beyond chance ({interval})"


def _heading(report: PlacementReport) -> Text:
    default = report.of(PolicyName.DEFAULT)
    arrivals = default.placed + default.refused
    groups = len(report.runs[0].unseen_groups)
    return Text.assemble(
        ("Placement", "bold"),
        f", mix {report.mix} (simulated testbed): {arrivals} pods in {len(report.runs)} runs on {report.nodes} nodes, "
        f"{100 * default.load.value:.0f} % of whose CPUs are taken; every pod is of a "
        f"workload group that the run's bundle was trained without ({groups} groups a run), known by its profile run",
    )


def _policies(report: PlacementReport) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for name in ("violated", "spared", "excess", "p99", "worst", "hurt", "placed", "a node"):
        table.add_column(name, justify="right", no_wrap=True)
    for figures in report.policies:
        table.add_row(*_policy_row(figures))
    return table


def _policy_row(figures: PolicyFigures) -> tuple[str | Text, ...]:
    return (
        TITLES[figures.policy],
        share_cell(figures.violated, decimals=1),
        _spared(figures.violated_spared),
        share_cell(figures.mean_excess, decimals=1),
        f"{figures.p99_slowdown.value:.1f}",
        f"{figures.worst_slowdown.value:.1f}",
        number_cell(figures.hurt, decimals=0),
        f"{figures.placed}" if not figures.refused else f"{figures.placed} (-{figures.refused})",
        f"{figures.pods_per_node.value:.1f}",
    )


def _spared(gain: Figure | None) -> str | Text:
    return "" if gain is None else share_cell(gain, decimals=1)


def _footing(report: PlacementReport) -> Text:
    return Text(
        f"Means over runs with their {100 * report.confidence:.0f} % interval. Violated: share of the pods' time "
        "beyond the slowdown that they tolerate. Excess: by how much, on average over all their time. Spared: "
        "how much less than under the default scheduler. p99: slowdown exceeded in a hundredth of the time. Worst: in "
        "a run. Hurt: residents that a newcomer took beyond their tolerance, a hundred placements. Placed: (-n) found "
        "no room. A node: pods on each that has any.",
        style="dim",
    )
