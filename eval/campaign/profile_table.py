"""A short profile as a person reads it, in 80 columns."""

import math

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.axis import Axis
from contracts.slowdown import IndicatorKind
from eval.campaign.short_profile import ShortProfile

_UNITS = {
    IndicatorKind.THROUGHPUT: "requests a second",
    IndicatorKind.LATENCY_P50: "us at the median",
    IndicatorKind.LATENCY_P99: "us at the 99th percentile",
}


def render_short_profile(short: ShortProfile) -> RenderableType:
    """The probes in their order, then curves and bounds, measured or as far as known workloads tell."""
    kind = short.profile.indicator
    unit = "" if kind is None else f" {_UNITS[kind]}"
    took = f"{len(short.made)} probes, {short.minutes:.0f} minutes"
    head = f"{short.profile.key} alone: {short.alone:,.1f}{unit}; {took}."
    return Group(Text(head), _probes(short), _curves(short), Text(_note(short), style="dim"))


def _note(short: ShortProfile) -> str:
    lines = ["Slowdowns; ~ where not measured but expected, by how known workloads answer."]
    if short.belief.open:
        lines.append(f"Bounds with ~ lie {short.rule.deviations:.1f} deviations above: so all of them hold for")
        lines.append(f"{short.rule.rate:.0%} of workload groups never seen, as far as the known ones tell.")
    return "\n".join([*lines, "Simulated."])


def _probes(short: ShortProfile) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("probe")
    table.add_column("expected", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("worst known to", justify="right")
    table.add_row("none yet", "", "", _percent(short.uncertainty), style="dim")
    for each in short.made:
        table.add_row(
            f"{each.probe.axis} at {each.probe.intensity:.2f}",
            f"{each.expected:.2f}",
            f"{each.slowdown:.2f}",
            _percent(each.uncertainty),
        )
    return table


def _curves(short: ShortProfile) -> Table:
    probes, measured = short.belief.probes, {each.probe: each.slowdown for each in short.made}
    intensities = sorted({probe.intensity for probe in probes})
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("axis")
    for intensity in intensities:
        table.add_column(f"at {intensity:.2f}", justify="right")
    table.add_column("bound", justify="right")
    for axis in dict.fromkeys(probe.axis for probe in probes):
        cells = {
            probe.intensity: f"{measured[probe]:.2f}" if probe in measured else f"~{short.belief.expected(index):.2f}"
            for index, probe in enumerate(probes)
            if probe.axis is axis
        }
        table.add_row(str(axis), *(cells.get(intensity, "") for intensity in intensities), _bound(short, axis))
    return table


def _bound(short: ShortProfile, axis: Axis) -> str:
    response = short.profile.response(axis)
    if response is None:
        return ""
    believed = any(short.belief.probes[index].axis is axis for index in short.belief.open)
    return f"{'~' if believed else ''}{response.worst:.2f}"


def _percent(uncertainty: float) -> str:
    return f"{100 * math.expm1(uncertainty):.0f} %"
