"""The poll-mode trap: neither utilisation nor IPC tells what a poll-mode function delivers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.axis import Axis
from eval.pictures.nodes import DOMAIN, FIRST, WINDOW_SECONDS, counts_of_cpus, node_with
from eval.pictures.style import BLUE, MUTED, PURPLE, VERMILLION, Line, draw_lines, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.hardware import CRYSTAL_HZ
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

_PRESSED = (Axis.LLC, Axis.LOCK)
_INTENSITIES = tuple(np.linspace(0.0, 1.0, 16).tolist())
_WINDOWS = 8
_CASES = (("nat", True), ("router", True), ("load-balancer", True), ("nat", False))
"""Workload, and whether it polls."""
_COLOURS = (VERMILLION, BLUE, PURPLE, MUTED)
_X_NAME = "intensity of both stressors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A function at one intensity of the stressors, its own cores alone.

    Attributes:
        delivered: throughput over throughput alone.
        ipc: instructions a core clock, as counted.
        utilisation: share of time that its CPUs are unhalted, as counted.
    """

    delivered: float
    ipc: float
    utilisation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A function, polling or not; one ``Seen`` an intensity."""

    workload: str
    polls: bool
    seen: tuple[Seen, ...]

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return self.workload if self.polls else f"{self.workload}, if it slept"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollMode:
    """Several functions at the same intensities, 0 to 1."""

    intensities: tuple[float, ...]
    cases: tuple[Case, ...]


def poll_mode(intensities: Sequence[float] = _INTENSITIES, *, windows: int = _WINDOWS) -> PollMode:
    """Three poll-mode functions beside two stressors, and one of them as if it slept when idle."""
    return PollMode(
        intensities=tuple(intensities),
        cases=tuple(
            Case(
                workload=name,
                polls=polls,
                seen=tuple(
                    _seen(replace(workload(name), polls=polls), intensity, windows) for intensity in intensities
                ),
            )
            for name, polls in _CASES
        ),
    )


def _seen(function: Workload, intensity: float, windows: int) -> Seen:
    node = node_with(function, *[Stressor(axis=axis, intensity=intensity) for axis in _PRESSED])
    counts = counts_of_cpus(node, node.exclusive_cpus(DOMAIN)[FIRST], windows=windows)
    return Seen(
        delivered=1.0 / node.true_slowdown(FIRST),
        ipc=counts["INST_RETIRED.ANY"] / counts["CPU_CLK_UNHALTED.THREAD"],
        utilisation=counts["CPU_CLK_UNHALTED.REF_DISTRIBUTED"]
        / (CRYSTAL_HZ * function.exclusive_cores * windows * WINDOW_SECONDS),
    )


def draw_poll_mode(data: PollMode) -> Figure:
    """Three panels, all cases in each."""
    figure, (delivered, ipc, utilisation) = sheet(
        "A poll-mode function looks the same healthy and starved",
        "Three poll-mode functions, and one of them as if it slept when idle, beside the llc and lock stressors.",
        columns=3,
        between=1.6,
        right=1.3,
    )
    _draw(delivered, data, lambda seen: seen.delivered)
    panel(delivered, title="what it delivers", x=_X_NAME, y="share of what it delivers alone")
    _draw(ipc, data, lambda seen: seen.ipc)
    panel(ipc, title="what IPC says", x=_X_NAME, y="instructions a core clock")
    _draw(utilisation, data, lambda seen: seen.utilisation)
    panel(utilisation, title="what utilisation says", x=_X_NAME, y="share of time unhalted")
    return figure


def _draw(axes: Axes, data: PollMode, value: Callable[[Seen], float]) -> None:
    lines = [
        Line(
            xs=data.intensities,
            ys=[value(seen) for seen in case.seen],
            name=case.name,
            colour=colour,
            dashed=not case.polls,
        )
        for case, colour in zip(data.cases, _COLOURS, strict=True)
    ]
    axes.set_xlim(0.0, data.intensities[-1])
    axes.set_ylim(0.0, 1.2 * max(max(line.ys) for line in lines))
    draw_lines(axes, lines)
