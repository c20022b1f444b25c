"""Miss ratio against occupancy, and who holds how much of the cache as a neighbour presses harder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.axis import Axis
from eval.pictures.nodes import DOMAIN, FIRST, node_with
from eval.pictures.style import BLUE, GREEN, INK, MUTED, PURPLE, VERMILLION, Line, draw_lines, label, panel, sheet
from eval.testbed.cache import miss_ratio
from eval.testbed.catalogue import workload
from eval.testbed.hardware import ALL_WAYS, DDIO_MASK, LLC_BYTES, LLC_WAYS, MEBIBYTE
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

_CURVES = ("udr", "firewall", "upf-large", "dpi")
"""From the least to the most steep."""
_COLOURS = (GREEN, PURPLE, BLUE, INK)
_VICTIM = "upf-large"
_INTENSITIES = tuple(np.linspace(0.0, 1.0, 21).tolist())
_VICTIMS_WAYS = 9
VICTIM_MASK = (1 << _VICTIMS_WAYS) - 1
PRESSER_MASK = ALL_WAYS ^ VICTIM_MASK
APART_MASK = PRESSER_MASK & ~DDIO_MASK
"""Out of the victim's ways and of the devices'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Miss ratio, 0 to 1, of one workload at each of its occupancies in bytes."""

    name: str
    steepness: float
    held_bytes: tuple[float, ...]
    miss_ratios: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The equilibrium of two sharers at one intensity of the second.

    Attributes:
        intensity: of the stressor, 0 to 1.
        victim_bytes, presser_bytes: what each holds.
        miss_ratio, slowdown: the victim's.
    """

    intensity: float
    victim_bytes: float
    presser_bytes: float
    miss_ratio: float
    slowdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSharing:
    """Curves by themselves, and two sharers.

    Attributes:
        victim: who is pressed.
        curves: from the least to the most steep.
        free, split, apart: the two without masks; with masks that do not overlap; with the stressor's kept out of the
            devices' ways as well.
    """

    victim: str
    curves: tuple[Curve, ...]
    free: tuple[Share, ...]
    split: tuple[Share, ...]
    apart: tuple[Share, ...]


def cache_sharing(intensities: Sequence[float] = _INTENSITIES) -> CacheSharing:
    """A user-plane function beside the llc stressor at rising intensity."""
    return CacheSharing(
        victim=_VICTIM,
        curves=tuple(_curve(workload(name)) for name in _CURVES),
        free=_shares(intensities, victim=ALL_WAYS, presser=ALL_WAYS),
        split=_shares(intensities, victim=VICTIM_MASK, presser=PRESSER_MASK),
        apart=_shares(intensities, victim=VICTIM_MASK, presser=APART_MASK),
    )


def _curve(known: Workload) -> Curve:
    behaviour = known.behaviour
    held = np.linspace(0.0, LLC_BYTES, 121)
    ratios = miss_ratio(
        held,
        np.array(behaviour.footprint_bytes),
        np.array(behaviour.steepness),
        np.array(behaviour.compulsory),
    )
    return Curve(
        name=known.name,
        steepness=behaviour.steepness,
        held_bytes=tuple(held.tolist()),
        miss_ratios=tuple(ratios.tolist()),
    )


def _shares(intensities: Sequence[float], *, victim: int, presser: int) -> tuple[Share, ...]:
    """One equilibrium an intensity, under the masks of the two."""
    return tuple(_share(intensity, victim, presser) for intensity in intensities)


def _share(intensity: float, victims_ways: int, pressers_ways: int) -> Share:
    node = node_with()
    node.place(FIRST, workload(_VICTIM), domain=DOMAIN, ways=victims_ways)
    node.place("presser", Stressor(axis=Axis.LLC, intensity=intensity), domain=DOMAIN, ways=pressers_ways)
    flows = node.flows
    return Share(
        intensity=intensity,
        victim_bytes=float(flows.occupied[0]),
        presser_bytes=float(flows.occupied[1]),
        miss_ratio=float(flows.misses[0] / flows.accesses[0]),
        slowdown=node.true_slowdown(FIRST),
    )


def draw_cache_sharing(data: CacheSharing) -> Figure:
    """Three panels: curves with equilibria on them, what both hold, and what that does to the victim."""
    figure, (curves, held, hurt) = sheet(
        "Cache goes to whoever inserts most, unless masks part it",
        f"{data.victim} beside the llc stressor. Circles: its equilibria as the stressor presses harder. "
        f"Masks of {_VICTIMS_WAYS} and {LLC_WAYS - _VICTIMS_WAYS} of {LLC_WAYS} ways.",
        columns=3,
        right=0.75,
        between=1.05,
    )
    _draw_curves(curves, data)
    _draw_held(held, data)
    _draw_hurt(hurt, data)
    return figure


def _draw_curves(axes: Axes, data: CacheSharing) -> None:
    panel(axes, title="miss-ratio curves, by steepness", x="held of the cache, MiB", y="miss ratio")
    axes.set_xlim(0.0, LLC_BYTES / MEBIBYTE)
    axes.set_ylim(0.0, 1.0)
    for curve, colour in zip(data.curves, _COLOURS, strict=True):
        axes.plot([held / MEBIBYTE for held in curve.held_bytes], curve.miss_ratios, color=colour)
    for share in data.free:
        axes.plot(
            share.victim_bytes / MEBIBYTE,
            share.miss_ratio,
            marker="o",
            color=BLUE,
            markerfacecolor="white",
            markersize=3.0 + 2.0 * share.intensity,
        )
    for curve, colour, height in zip(data.curves, _COLOURS, (0.60, 0.34, 0.24, 0.15), strict=True):
        label(axes, f"{curve.name} {curve.steepness:g}", at=(14.0, height), colour=colour)


def _draw_held(axes: Axes, data: CacheSharing) -> None:
    panel(axes, title="what each holds", x="intensity of the stressor", y="held of the cache, MiB")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, LLC_BYTES / MEBIBYTE)
    intensities = [share.intensity for share in data.free]
    draw_lines(
        axes,
        [
            Line(
                xs=intensities,
                ys=[(share.victim_bytes if own else share.presser_bytes) / MEBIBYTE for share in shares],
                name="masked" if shares is data.split else data.victim if own else "stressor",
                colour=BLUE if own else MUTED,
                dashed=shares is data.split,
            )
            for shares in (data.free, data.split)
            for own in (True, False)
        ],
    )


def _draw_hurt(axes: Axes, data: CacheSharing) -> None:
    panel(axes, title=f"slowdown of {data.victim}", x="intensity of the stressor", y="slowdown, times alone")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.95, 1.05 * max(share.slowdown for share in data.free))
    intensities = [share.intensity for share in data.free]
    draw_lines(
        axes,
        [
            Line(xs=intensities, ys=[share.slowdown for share in shares], name=name, colour=colour, dashed=dashed)
            for shares, name, colour, dashed in (
                (data.free, "shared", VERMILLION, False),
                (data.split, "masked", BLUE, True),
                (data.apart, "and apart\nfrom DDIO", GREEN, True),
            )
        ],
    )
