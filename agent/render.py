"""A NodeState as a person reads it in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.coverage import missing_by_errno
from agent.sources.software import SoftwareWindow
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import ConditionStatus, ConditionType, NodeState, Status

_MISSING = Text("missing", style="dim")
_EVENTS_SHOWN = 3


def render(state: NodeState, software: SoftwareWindow | None = None) -> RenderableType:
    """Conditions, coverage with its errnos, regimes, features a domain, and the software counters.

    Args:
        state: what to show.
        software: the kernel's software counters over the same window, where they were read.
    """
    if state.status is None:
        return Text(f"{state.metadata.name}: no status yet")
    parts: list[RenderableType] = [
        Text(f"{state.metadata.name}  agent {state.status.agent_version}", style="bold"),
        _conditions(state.status),
        _coverage(state.status),
        _features(state.status),
    ]
    if software is not None:
        parts.append(_software(software))
    return Group(*parts)


def _conditions(status: Status) -> Table:
    table = Table("condition", "status", "reason", "message", title="Conditions", title_justify="left")
    for condition in status.conditions:
        wanted = ConditionStatus.FALSE if condition.type is ConditionType.DEGRADED else ConditionStatus.TRUE
        style = "green" if condition.status is wanted else "yellow"
        table.add_row(
            condition.type.value, Text(condition.status.value, style=style), condition.reason, condition.message
        )
    return table


def _coverage(status: Status) -> Table:
    coverage = status.coverage
    totals = ", ".join(f"{errno} {count}" for errno, count in missing_by_errno(coverage).items()) or "none"
    table = Table(
        "errno",
        "events",
        "reason",
        "which",
        title=f"Hardware events: {coverage.opened} of {coverage.wanted} opened; missing by errno: {totals}",
        title_justify="left",
    )
    for group in coverage.missing:
        shown = ", ".join(group.events[:_EVENTS_SHOWN])
        more = len(group.events) - _EVENTS_SHOWN
        table.add_row(
            group.errno, str(len(group.events)), group.reason, f"{shown} and {more} more" if more > 0 else shown
        )
    return table


def _features(status: Status) -> Table:
    table = Table("feature", "unit", title="Domains", title_justify="left")
    for domain in status.domains:
        table.add_column(domain.name, justify="right")
    table.add_row("regime", "", *(Text(domain.regime.value, style="bold") for domain in status.domains))
    for axis, values in _axis_rows(status):
        table.add_row(f"P({axis})", "probability", *values)
    for index, spec in enumerate(FEATURE_SCHEMA_V1.features):
        values = [_number(domain.features[index]) for domain in status.domains]
        table.add_row(spec.name, spec.unit, *values)
    return table


def _axis_rows(status: Status) -> list[tuple[str, list[Text]]]:
    """Axes that at least one domain has a probability for."""
    judged = [domain.axes.by_axis() for domain in status.domains]
    axes = sorted({axis for probabilities in judged for axis in probabilities}, key=str)
    return [(axis.value, [_number(probabilities.get(axis)) for probabilities in judged]) for axis in axes]


def _number(value: float | None) -> Text:
    return _MISSING if value is None else Text(f"{value:.4g}")


def _software(software: SoftwareWindow) -> Table:
    table = Table(
        "software event",
        "count",
        title=f"Kernel software counters, read on {software.cpus} CPUs",
        title_justify="left",
    )
    for event, count in software.counts.items():
        table.add_row(f"{event} (ns)" if event == "cpu-clock" else event, f"{count:,}")
    for entry in software.missing:
        table.add_row(entry.event, Text(f"{entry.errno}: {entry.reason}", style="yellow"))
    return table
