"""Every axis that a stressor presses: how much the workloads differ in what they lose to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.axis import Axis
from eval.pictures.nodes import slowdown
from eval.pictures.style import BLUE, INK, PALE, VERMILLION, panel, sheet
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import Workload

_INTENSITIES = (0.0, 0.35, 0.7, 1.0)
_COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Slowdowns of one workload, one an intensity."""

    workload: str
    slowdowns: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisResponses:
    """All workloads on one axis, from the least to the most sensitive at full intensity."""

    axis: Axis
    responses: tuple[Response, ...]

    @property
    def medians(self) -> tuple[float, ...]:
        """Over the workloads, one an intensity."""
        return tuple(median(column) for column in zip(*(each.slowdowns for each in self.responses), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisSensitivity:
    """Intensities, 0 to 1, and the workloads' responses on every axis; 0 is without any stressor."""

    intensities: tuple[float, ...]
    axes: tuple[AxisResponses, ...]


def axis_sensitivity(
    axes: Sequence[Axis] = PRESSED_AXES,
    workloads: Sequence[Workload] = WORKLOADS,
    intensities: Sequence[float] = _INTENSITIES,
) -> AxisSensitivity:
    """Each workload beside one stressor at a time, and nobody else."""
    return AxisSensitivity(
        intensities=tuple(intensities), axes=tuple(_responses(axis, workloads, intensities) for axis in axes)
    )


def _responses(axis: Axis, workloads: Sequence[Workload], intensities: Sequence[float]) -> AxisResponses:
    stressed = [[Stressor(axis=axis, intensity=intensity)] if intensity > 0.0 else [] for intensity in intensities]
    responses = [
        Response(workload=known.name, slowdowns=tuple(slowdown(known, *stressor) for stressor in stressed))
        for known in workloads
    ]
    return AxisResponses(axis=axis, responses=tuple(sorted(responses, key=lambda each: each.slowdowns[-1])))


def draw_axis_sensitivity(data: AxisSensitivity) -> Figure:
    """One panel an axis, all on one scale; every workload a faint line."""
    rows = ceil(len(data.axes) / _COLUMNS)
    number = len(data.axes[0].responses)
    figure, panels = sheet(
        "What one workload hardly feels hurts another, on every axis",
        f"{number} workloads, each beside one stressor; the most and the least sensitive coloured, the median black.",
        columns=_COLUMNS,
        rows=rows,
        height=1.4 + 2.0 * rows,
        between=0.4,
    )
    for axes in panels[len(data.axes) :]:
        axes.set_axis_off()
    highest = 1.1 * max(max(responses.responses[-1].slowdowns) for responses in data.axes)
    for axes, responses in zip(panels, data.axes, strict=False):
        _draw_axis(axes, data.intensities, responses, highest=highest)
    for axes in panels[(rows - 1) * _COLUMNS :]:
        axes.set_xlabel("intensity")
    for axes in panels[::_COLUMNS]:
        axes.set_ylabel("slowdown, times alone")
        axes.tick_params(labelleft=True)
    return figure


def _draw_axis(axes: Axes, intensities: Sequence[float], data: AxisResponses, *, highest: float) -> None:
    panel(axes, title=data.axis.value)
    axes.set(yscale="log", xlim=(0.0, 1.0), ylim=(0.95, highest))
    ticks = [tick for tick in (1.0, 2.0, 4.0, 8.0) if tick < highest]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([0.0, 0.5, 1.0], ["0", "½", "1"])
    axes.minorticks_off()
    axes.tick_params(labelleft=False)
    for response in data.responses:
        axes.plot(intensities, response.slowdowns, color=PALE, linewidth=0.8)
    most, least = data.responses[-1], data.responses[0]
    for slowdowns, colour in ((most.slowdowns, VERMILLION), (data.medians, INK), (least.slowdowns, BLUE)):
        axes.plot(intensities, slowdowns, color=colour)
    for name, colour, height in ((most.workload, VERMILLION, 0.93), (least.workload, BLUE, 0.82)):
        axes.text(0.04, height, name, color=colour, va="center", transform=axes.transAxes)
