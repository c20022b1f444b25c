"""The doctor's report as a person reads it in a terminal, from 80 columns on."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent.doctor.check import Check, Verdict
from agent.doctor.offer import AxisOffer
from agent.doctor.report import Change, Report

_STYLES = {Verdict.MISSING: "red", Verdict.LIMITED: "yellow", Verdict.UNKNOWN: "cyan", Verdict.OK: "green"}
_FEATURES_SHOWN = 4


def render(report: Report) -> RenderableType:
    """What the node offers, what to change, and what is well.

    Args:
        report: what to show.
    """
    well = [check for check in report.checks if check.verdict is Verdict.OK]
    parts: list[RenderableType] = [
        Text.assemble((report.node, "bold"), f"  agent {report.agent_version}"),
        Text(_summary(report)),
        _section("Contention axes, features available of those that reveal them", _axes(report.axes)),
    ]
    if report.changes:
        parts.append(_section("What to change, the most telling first", _changes(report.changes)))
    if well:
        parts.append(_section("What is well", _well(well)))
    return Group(*parts)


def _summary(report: Report) -> str:
    total = len(report.available) + len(report.missing)
    everywhere = f" in all {len(report.domains)} domains" if len(report.domains) > 1 else ""
    counted = f"{total} features: {len(report.available)} available{everywhere}, {len(report.missing)} missing"
    first = next((change for change in report.changes if change.features), None)
    if first is None:
        return f"{counted}."
    return f"{counted}. The most telling change: {first.advice[0]}."


def _section(heading: str, body: RenderableType) -> Group:
    return Group(Text(), Text(heading, style="bold"), Padding(body, (0, 0, 0, 2)))


def _axes(axes: Sequence[AxisOffer]) -> Text:
    offers = []
    for offer in axes:
        style = "green" if offer.available == offer.features else "yellow" if offer.available else "red"
        offers.append(Text(f"{offer.axis} {offer.available}/{offer.features}", style=style))
    return Text("   ").join(offers)


def _grid() -> Table:
    """Two columns two blanks apart; the first keeps its words whole, the second takes what is left."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _changes(changes: Sequence[Change]) -> Table:
    grid = _grid()
    for change in changes:
        found = [Text.assemble((check.topic.words, "bold"), f": {check.found}") for check in change.checks]
        if change.features:
            found.append(Text(_in_its_way(change.features), style="dim"))
        style = _STYLES[change.verdict]
        grid.add_row(Text(change.verdict.value, style=style), Group(*found, _steps(change.advice)))
    return grid


def _steps(advice: Sequence[str]) -> Table:
    steps = Table.grid(padding=(0, 1, 0, 0))
    steps.add_column()
    steps.add_column(overflow="fold")
    for step in advice:
        steps.add_row("-", Text(step))
    return steps


def _well(checks: Sequence[Check]) -> Table:
    grid = _grid()
    for check in checks:
        grid.add_row(Text(check.topic.words, style=_STYLES[check.verdict]), Text(check.found))
    return grid


def _in_its_way(features: Sequence[str]) -> str:
    shown = ", ".join(features[:_FEATURES_SHOWN])
    more = len(features) - _FEATURES_SHOWN
    return f"{len(features)} missing: {shown}" + (f" and {more} more" if more > 0 else "")
