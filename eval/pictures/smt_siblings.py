"""What three kinds of work lose beside a sibling thread that is busy more and more of its time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from contracts.axis import Axis
from eval.pictures.nodes import FIRST, node_with, vector_of
from eval.pictures.style import BLUE, GREEN, VERMILLION, Line, draw_lines, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.stressor import Stressor

KINDS = {"compute-bound": "transcoder", "memory-bound": "batch", "poll-mode": "firewall"}
_COLOURS = {"compute-bound": VERMILLION, "memory-bound": GREEN, "poll-mode": BLUE}
_INTENSITIES = tuple(np.linspace(0.0, 1.0, 17).tolist())
_WINDOWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One kind of work beside the sibling at rising intensity.

    Attributes:
        kind, workload: what it is, and who stands for it.
        slowdowns: one an intensity.
        core_bound: of the socket's slots, the share that waits for ports, as counted.
    """

    kind: str
    workload: str
    slowdowns: tuple[float, ...]
    core_bound: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtSiblings:
    """Intensities, 0 to 1, and what each kind loses at them."""

    intensities: tuple[float, ...]
    losses: tuple[Loss, ...]


def smt_siblings(intensities: Sequence[float] = _INTENSITIES, *, windows: int = _WINDOWS) -> SmtSiblings:
    """Each kind alone on its cores, with the smt stressor on the second thread of every core."""
    return SmtSiblings(
        intensities=tuple(intensities),
        losses=tuple(_loss(kind, name, intensities, windows) for kind, name in KINDS.items()),
    )


def _loss(kind: str, name: str, intensities: Sequence[float], windows: int) -> Loss:
    nodes = [node_with(workload(name), Stressor(axis=Axis.SMT, intensity=intensity)) for intensity in intensities]
    return Loss(
        kind=kind,
        workload=name,
        slowdowns=tuple(node.true_slowdown(FIRST) for node in nodes),
        core_bound=tuple(vector_of(node, windows=windows).value("core_bound_share") for node in nodes),
    )


def draw_smt_siblings(data: SmtSiblings) -> Figure:
    """Two panels: what each loses, and what the counters show of it."""
    figure, (lost, seen) = sheet(
        "Who computes loses more to a busy sibling than who waits for memory",
        "Each alone on its cores, the smt stressor on the second thread of every core.",
        columns=2,
        right=1.2,
        between=1.8,
    )
    for axes in (lost, seen):
        axes.set_xlim(0.0, 1.0)
    panel(lost, title="what each loses", x="intensity of the sibling", y="slowdown, times alone")
    lost.set_ylim(1.0, 1.05 * max(loss.slowdowns[-1] for loss in data.losses))
    draw_lines(
        lost,
        [
            Line(
                xs=data.intensities, ys=loss.slowdowns, name=f"{loss.kind}\n{loss.workload}", colour=_COLOURS[loss.kind]
            )
            for loss in data.losses
        ],
        lines_of_text=2,
    )
    panel(seen, title="what the counters show", x="intensity of the sibling", y="core_bound_share")
    seen.set_ylim(0.0, 1.1 * max(max(loss.core_bound) for loss in data.losses))
    draw_lines(
        seen,
        [
            Line(xs=data.intensities, ys=loss.core_bound, name=loss.kind, colour=_COLOURS[loss.kind])
            for loss in data.losses
        ],
    )
    return figure
