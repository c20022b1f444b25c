"""The same contention under three core clocks: which features move."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from contracts.axis import Axis
from contracts.clock import ClockClass
from contracts.features import FEATURE_SCHEMA_V1
from eval.pictures.nodes import DOMAIN, counts_of, node_with, vector_of
from eval.pictures.style import BLUE, INK, MUTED, VERMILLION, label, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.node import SimulatedNode
from eval.testbed.stressor import Stressor

SLOW, FAST = 0.8, 1.25
_RESIDENTS = ("firewall", "udr")
_WINDOWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One feature, and by which factor it changes when the clock does.

    Attributes:
        feature: its name, or what stands for a refused one.
        clock: what the contract says the core clock does to it; ``None`` where the contract refuses it.
        slow, fast: value at ``SLOW`` and at ``FAST`` of the nominal clock, over the value at the nominal one.
    """

    feature: str
    clock: ClockClass | None
    slow: float
    fast: float

    @property
    def most(self) -> float:
        """By how much it moves at most, as the absolute logarithm of the factor."""
        return float(max(abs(np.log(self.slow)), abs(np.log(self.fast))))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreClock:
    """The clock itself, which no feature may encode, and all features that are not zero, by how much they move."""

    refused: Moved
    features: tuple[Moved, ...]


def core_clock(*, windows: int = _WINDOWS) -> CoreClock:
    """One node thrice, with the same occupants and the same noise, under three clocks."""
    vectors = {ratio: vector_of(_node(ratio), windows=windows) for ratio in (SLOW, 1.0, FAST)}
    clocks = {ratio: _clock(counts_of(_node(ratio), windows=windows)[DOMAIN]) for ratio in (SLOW, 1.0, FAST)}
    features = [
        Moved(
            feature=spec.name,
            clock=spec.clock,
            slow=vectors[SLOW].value(spec.name) / vectors[1.0].value(spec.name),
            fast=vectors[FAST].value(spec.name) / vectors[1.0].value(spec.name),
        )
        for spec in FEATURE_SCHEMA_V1.features
        if vectors[1.0].value(spec.name) > 0.0
    ]
    return CoreClock(
        refused=Moved(
            feature="core clock over crystal clock",
            clock=None,
            slow=clocks[SLOW] / clocks[1.0],
            fast=clocks[FAST] / clocks[1.0],
        ),
        features=tuple(sorted(features, key=lambda moved: moved.most)),
    )


def _node(ratio: float) -> SimulatedNode:
    node = node_with(*map(workload, _RESIDENTS), Stressor(axis=Axis.MEMBW, intensity=0.7))
    node.set_clock(ratio)
    return node


def _clock(counts: Mapping[str, float]) -> float:
    return counts["CPU_CLK_UNHALTED.THREAD"] / counts["CPU_CLK_UNHALTED.REF_DISTRIBUTED"]


def draw_core_clock(data: CoreClock) -> Figure:
    """One row a feature; the refused one on top, for the scale."""
    rows = (*data.features, data.refused)
    figure, (axes,) = sheet(
        "Another clock moves shares of core time, and nothing that tells of contention itself",
        f"The same occupants and the same noise at {SLOW:g}, 1 and {FAST:g} of the nominal clock.",
        columns=1,
        height=1.3 + 0.155 * len(rows),
        left=2.2,
        right=1.75,
        titled=False,
    )
    panel(axes, x="value over value at the nominal clock")
    axes.grid(visible=False, axis="y")
    axes.set_yticks(range(len(rows)), [moved.feature for moved in rows])
    axes.set_ylim(-0.7, len(rows) + 0.4)
    axes.axvline(1.0, color=MUTED, linewidth=0.8)
    for row, moved in enumerate(rows):
        colour = (
            INK if moved.clock is None else BLUE if moved.clock in {ClockClass.FREE, ClockClass.UNCORE} else VERMILLION
        )
        axes.plot([moved.slow, moved.fast], [row, row], color=colour, linewidth=1.0)
        axes.plot(moved.slow, row, "o", color=colour, markerfacecolor="white")
        axes.plot(moved.fast, row, "o", color=colour)
    top = len(rows) - 1
    label(axes, f"at {SLOW:g}", at=(data.refused.slow, top), colour=INK, by=(0.0, 9.0))
    label(axes, f"at {FAST:g}; refused as a feature", at=(data.refused.fast, top), colour=INK, by=(6.0, 0.0))
    label(axes, "shares of core time", at=(1.14, top - 2), colour=VERMILLION, by=(4.0, 0.0))
    label(axes, "counted without the core's clock", at=(1.01, 4), colour=BLUE, by=(4.0, 0.0))
    return figure
