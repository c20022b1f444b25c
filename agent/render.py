"""A NodeState as a person reads it in a terminal, from 80 columns on."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent.coverage import missing_by_errno
from agent.sources.software import CLOCKS, SoftwareWindow
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import ConditionStatus, ConditionType, DomainState, NodeState, Status

_EVENTS_SHOWN = 2
_DOMAINS_ABREAST = 4
_DOMAINS_WITH_UNITS = 2
"""More than these leave no room for units in 80 columns."""
_ABSENT = Text("-", style="dim")
_SHARE = "share"
"""The unit of most features, which goes without saying."""


def render(state: NodeState, software: SoftwareWindow | None = None) -> RenderableType:
    """Regimes, conditions, features a domain, what could not be counted, and the kernel's software counters.

    Args:
        state: what to show.
        software: the kernel's software counters over the same window, where they were read.
    """
    if state.status is None:
        return Text(f"{state.metadata.name}: no status yet")
    status = state.status
    parts: list[RenderableType] = [
        Text.assemble((state.metadata.name, "bold"), f"  agent {status.agent_version}, {when(status)}"),
        section("Regimes", _regimes(status.domains)),
        section("Conditions", _conditions(status)),
        section("Features", features(status.domains)),
        section(counted(status), missing(status)),
    ]
    if software is not None:
        where = f"on {software.cpus} CPUs" if software.cpus else "of the agent's own thread"
        parts.append(section(f"Kernel software events {where if software.counts else ''}".rstrip(), events(software)))
    return Group(*parts)


def when(status: Status) -> str:
    """The window, or the heartbeat where there is no domain."""
    if not status.domains:
        return f"{status.heartbeat:%Y-%m-%d %H:%M:%S} UTC"
    window = status.domains[0].window
    seconds = (window.end - window.start).total_seconds()
    return f"{seconds:.3g} s to {window.end:%Y-%m-%d %H:%M:%S} UTC"


def section(title: str, body: RenderableType) -> Group:
    """A heading, and what belongs below it."""
    return Group(Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _grid(columns: int) -> Table:
    """Columns two blanks apart; the last takes what is left, the others keep their words whole."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns - 1):
        grid.add_column(no_wrap=True)
    grid.add_column()
    return grid


def _regimes(domains: Sequence[DomainState]) -> Table:
    grid = _grid(3)
    for domain in domains:
        judged = ", ".join(f"{axis} {probability:.2f}" for axis, probability in domain.axes.by_axis().items())
        present = sum(value is not None for value in domain.features)
        grid.add_row(
            domain.name,
            Text(domain.regime.value, style="bold"),
            judged or f"no axis judged, {present} of {len(domain.features)} features have a value",
        )
    return grid


def _conditions(status: Status) -> Table:
    grid = _grid(3)
    for condition in status.conditions:
        wanted = ConditionStatus.FALSE if condition.type is ConditionType.DEGRADED else ConditionStatus.TRUE
        style = "green" if condition.status is wanted else "yellow"
        grid.add_row(
            condition.type.value, Text(condition.status.value, style=style), condition.message or condition.reason
        )
    return grid


def features(domains: Sequence[DomainState]) -> Group:
    """What has a value in some domain as tables; the names of the others below them."""
    present = [
        index
        for index in range(len(FEATURE_SCHEMA_V1))
        if any(domain.features[index] is not None for domain in domains)
    ]
    absent = [name for index, name in enumerate(FEATURE_SCHEMA_V1.names) if index not in present]
    starts = range(0, len(domains), _DOMAINS_ABREAST) if present else ()
    parts: list[RenderableType] = [
        _feature_table(domains[start : start + _DOMAINS_ABREAST], present) for start in starts
    ]
    if absent:
        parts.append(Text(f"missing: {', '.join(absent)}", style="dim"))
    return Group(*parts)


def _feature_table(domains: Sequence[DomainState], present: Sequence[int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("axis", no_wrap=True)
    table.add_column("feature", no_wrap=True)
    for domain in domains:
        table.add_column(domain.name.replace("-", "\n"), justify="right", no_wrap=True)
    has_units = len(domains) <= _DOMAINS_WITH_UNITS
    table.add_column("unit" if has_units else "", style="dim")
    for index in present:
        spec = FEATURE_SCHEMA_V1.features[index]
        unit = spec.unit if has_units and spec.unit != _SHARE else ""
        table.add_row(spec.axes[0].value, spec.name, *(_number(domain.features[index]) for domain in domains), unit)
    return table


def _number(value: float | None) -> Text:
    return _ABSENT if value is None else Text(f"{value:.4f}")


def counted(status: Status) -> str:
    """How many events count, and how many are missing by errno."""
    coverage = status.coverage
    totals = "".join(f", {count} {errno}" for errno, count in missing_by_errno(coverage).items())
    return f"Hardware events: {coverage.opened} of {coverage.wanted} opened{totals}"


def missing(status: Status) -> Table:
    """What could not be counted, and what to do about it."""
    grid = _grid(3)
    for group in status.coverage.missing:
        shown = ", ".join(group.events[:_EVENTS_SHOWN])
        more = len(group.events) - _EVENTS_SHOWN
        names = f"{shown} and {more} more" if more > 0 else shown
        grid.add_row(
            Text(group.errno, style="yellow"),
            Text(str(len(group.events)), justify="right"),
            Group(Text(group.reason), Text(names, style="dim")),
        )
    return grid


def events(software: SoftwareWindow) -> RenderableType:
    """The kernel's software counters, and why some of them are not there."""
    grid = _grid(2)
    for event, count in software.counts.items():
        shown = f"{count / 1e9:,.3f} s" if event in CLOCKS else f"{count:,}"
        grid.add_row(event, Text(shown, justify="right"))
    refusals = dict.fromkeys((entry.errno, entry.reason) for entry in software.missing)
    whys = [Text(f"whole CPUs: {errno}, {reason}", style="yellow") for errno, reason in refusals]
    return Group(grid, *whys)
