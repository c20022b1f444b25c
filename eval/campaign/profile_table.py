"""A short profile as a person reads it, in 80 columns."""

import math

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.slowdown import IndicatorKind
from eval.campaign.short_profile import ShortProfile

_UNITS = {
    IndicatorKind.THROUGHPUT: "requests a second",
    IndicatorKind.LATENCY_P50: "us at the median",
    IndicatorKind.LATENCY_P99: "us at the 99th percentile",
}


def render_short_profile(short: ShortProfile) -> RenderableType:
    """The probes in their order, then the curves: measured where measured, else as far as known workloads tell."""
    kind = short.profile.indicator
    unit = "" if kind is None else f" {_UNITS[kind]}"
    took = f"{len(short.made)} probes, {short.minutes:.0f} minutes"
    head = f"{short.profile.key} alone: {short.alone:,.1f}{unit}; {took}."
    note = "Slowdowns; ~ where not measured but expected, by how known workloads answer. Simulated."
    return Group(Text(head), _probes(short), _curves(short), Text(note, style="dim"))


def _probes(short: ShortProfile) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("probe")
    table.add_column("expected", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("curves known to", justify="right")
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
            probe.intensity: f"{measured[probe]:.2f}" if probe in measured else f"~{math.exp(mean):.2f}"
            for probe, mean in zip(probes, short.belief.mean.tolist(), strict=True)
            if probe.axis is axis
        }
        response = short.profile.response(axis)
        bound = "" if response is None else f"{response.worst:.2f}"
        table.add_row(str(axis), *(cells.get(intensity, "") for intensity in intensities), bound)
    return table


def _percent(uncertainty: float) -> str:
    return f"{100 * math.expm1(uncertainty):.0f} %"
