"""The replay's report for a terminal, from 100 columns on."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.cells import count_cell, named_cell
from eval.replay.choices import ReplayPolicy
from eval.replay.recording import Kind
from eval.replay.report import Eased, Outcomes, PolicyFigures, ReplayReport

_POLICY_WIDTH = max(map(len, ReplayPolicy))
_MANY = 0.95
"""Below this share of decisions reproduced, the replay is not the world in which they were made."""


def render_replay(report: ReplayReport) -> RenderableType:
    """What was replayed, a row a policy, what models say of regimes, and whether the replay can be believed."""
    return Group(*_parts(report))


def _parts(report: ReplayReport) -> Iterator[RenderableType]:
    yield _heading(report)
    if report.placements:
        yield _policies(report)
        yield Text(legend(report), style="dim")
    if any(figures.kept is not None for figures in report.policies):
        yield _outcomes(report)
        yield Text(outcomes_legend(report), style="dim")
    if report.regimes:
        yield _regimes(report)
    yield Text(reproduced(report))
    yield from map(Text, _details(report))
    troubles = {**report.troubles, **report.outcome_troubles}
    if troubles:
        yield Text("Left out, or odd:")
        yield from (Text(f"  {count:>8,}  {name}") for name, count in troubles.items())
    yield Text(report.open_loop, style="bold")


def reproduced(report: ReplayReport) -> str:
    """Whether the replay says of recorded decisions what the extender said."""
    found = report.reproduction
    if not found.decisions:
        return (
            "Not checked: no decision of an extender lies beside the recording, so nothing shows that the replay "
            "judges as the extender did."
        )
    share = found.reproduced / found.decisions
    said = (
        f"Checked: {found.reproduced:,} of {found.decisions:,} recorded decisions are reproduced ({100 * share:.1f} %)"
    )
    if share == 1.0:
        return f"{said}, score and bound of the node that was taken."
    warning = "" if share >= _MANY else " What follows from the others is of another world than the extender's."
    return f"{said}.{warning}"


def _heading(report: ReplayReport) -> Text:
    recording = report.recording
    events = ", ".join(f"{count:,} {kind}" for kind, count in recording.events.items() if kind != Kind.WHOLE)
    return Text.assemble(
        ("Replay", "bold"),
        *([(" SIMULATED", "bold red")] if report.simulated else []),
        f" of {recording.began:%Y-%m-%d %H:%M:%S} to {recording.until:%Y-%m-%d %H:%M:%S} UTC: "
        f"{report.placements:,} placements judged; {recording.there_before:,} pods were there before; "
        f"{recording.sessions} session(s), events: {events}",
    )


def _policies(report: ReplayReport) -> Table:
    table = _table("policy")
    for name in ("elsewhere", "no node\nruled out", "nodes", "over", "ratio, over\nof moved", "own\nof moved"):
        table.add_column(name, justify="right", no_wrap=True)
    for figures in report.policies:
        table.add_row(_name(figures), *_row(figures, report.placements))
    return table


def _table(first: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", min_width=_POLICY_WIDTH)
    return table


def _name(figures: PolicyFigures) -> str | Text:
    return named_cell(figures.policy, figures.model) if figures.model else figures.policy


def _row(figures: PolicyFigures, placements: int) -> Iterator[str | Text]:
    yield named_cell(f"{100 * figures.elsewhere / placements:.1f} %", f"{figures.elsewhere:,.0f}")
    yield named_cell(f"{figures.no_node:,}", f"{figures.ruled_out:,}" if figures.model else "")
    yield f"{figures.nodes_used:,.1f}"
    yield "" if figures.overall is None else f"{100 * figures.overall.chosen_over:.1f} %"
    yield _moved(figures.by_yardstick)
    yield _moved(figures.by_own)


def _moved(eased: Eased | None) -> str | Text:
    if eased is None:
        return ""
    return named_cell(
        f"{eased.recorded:.2f} -> {eased.chosen:.2f}",
        f"{100 * eased.recorded_over:.0f} -> {100 * eased.chosen_over:.0f} %",
    )


def _outcomes(report: ReplayReport) -> Table:
    table = _table("really suffered")
    for name in (
        "of those that it\nwould have changed",
        "not\nmeasured",
        "of those that it\nwould have kept",
        "not\nmeasured",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for figures in report.policies:
        cells = (cell for outcomes in (figures.changed, figures.kept) for cell in _suffered(outcomes))
        table.add_row(_name(figures), *cells)
    return table


def _suffered(outcomes: Outcomes | None) -> tuple[str | Text, str]:
    if outcomes is None:
        return "", ""
    return "" if outcomes.exceeded is None else count_cell(outcomes.exceeded), f"{outcomes.without:,}"


def legend(report: ReplayReport) -> str:
    """What the columns mean."""
    return (
        "Elsewhere: placements that the policy would have sent to another node, in the mean over ties. Ruled out: "
        "the filter would have failed the recorded node. Nodes: that would have got a pod. Over: share of all "
        "placements where a party's bound exceeds its tolerance. Ratio: the worst bound over tolerance of those sent "
        "elsewhere, in the mean where they went -> where they would have gone; below it the share over 1. All bounded "
        f"by {report.yardstick}, which serves; own: by the model itself. What a model chose looks better to it than to "
        "others."
    )


def outcomes_legend(report: ReplayReport) -> str:
    """What is told of measured slowdowns."""
    return (
        "Pods whose median slowdown was above what they tolerate, of those whose slowdown was measured where they "
        f"went; below it the {100 * report.confidence:.0f} % interval, the wider of that over pods and that over "
        "workloads. Where those that a policy would have changed did not suffer more often than those that it would "
        "have kept, it knew nothing of them."
    )


def _regimes(report: ReplayReport) -> Table:
    table = _table("regimes")
    others = [figures.model for figures in report.regimes]
    for name in (
        "windows",
        "as published",
        "unknown",
        "unknown\nas published",
        *(f"as\n{name}" for name in others[1:]),
    ):
        table.add_column(name, justify="right")
    agreed = {(pair.first, pair.second): pair.agreed for pair in report.pairs}
    for figures in report.regimes:
        shares = (figures.as_published, figures.unknown, figures.published_unknown)
        pairs = (agreed.get((figures.model, other)) for other in others[1:])
        table.add_row(
            figures.model,
            f"{figures.windows:,}",
            *(f"{100 * share:.1f} %" for share in shares),
            *("" if share is None else f"{100 * share:.1f} %" for share in pairs),
        )
    return table


def _details(report: ReplayReport) -> Iterator[str]:
    found = report.reproduction
    for reason, count in found.differences.items():
        yield f"  {count:>8,}  {reason}"
    if found.asked_otherwise:
        yield (
            f"For {found.asked_otherwise:,} decisions the scheduler asked about another number of nodes than fit by "
            "requests, labels and taints: it knows affinities and volumes, which are not recorded, or samples nodes."
        )
