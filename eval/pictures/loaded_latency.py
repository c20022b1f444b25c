"""Memory latency against bandwidth: flat, a knee, a wall, and what the counters make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from contracts.axis import Axis
from eval.pictures.nodes import DOMAIN, OTHER_DOMAIN, WINDOW_SECONDS, counts_of, node_with, place
from eval.pictures.style import BLUE, MUTED, VERMILLION, label, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.hardware import DRAM_PEAK_BYTES_PER_SECOND, LINE_BYTES, UNCORE_CLOCK_HZ
from eval.testbed.memory import dram_latency_ns, hop_ns
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

_INTENSITIES = tuple(np.linspace(0.04, 1.0, 18).tolist())
_WINDOWS = 40
_GIGA = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One load: bytes a second at a socket's memory, and nanoseconds of a miss that it answers."""

    bytes_per_second: float
    latency_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedLatency:
    """What the mechanism says, and what was counted on simulated nodes.

    Attributes:
        peak: bytes a second that the memory's clock allows.
        local_model, remote_model: the mechanism's, from idle to near the peak.
        local_counted, remote_counted: seen from the memory's own socket and from the other one.
    """

    peak: float
    local_model: tuple[Point, ...]
    remote_model: tuple[Point, ...]
    local_counted: tuple[Point, ...]
    remote_counted: tuple[Point, ...]


def loaded_latency(intensities: Sequence[float] = _INTENSITIES) -> LoadedLatency:
    """A stressor streams from one socket's memory at rising intensity, while a reader on the other socket uses it."""
    traffic = np.linspace(0.0, 0.97 * DRAM_PEAK_BYTES_PER_SECOND, 120)
    local, remote = dram_latency_ns(traffic), dram_latency_ns(traffic) + hop_ns(np.zeros_like(traffic))
    counted = [_counted(intensity, seed=number) for number, intensity in enumerate(intensities)]
    return LoadedLatency(
        peak=DRAM_PEAK_BYTES_PER_SECOND,
        local_model=_points(traffic.tolist(), local.tolist()),
        remote_model=_points(traffic.tolist(), remote.tolist()),
        local_counted=tuple(near for near, _ in counted),
        remote_counted=tuple(far for _, far in counted),
    )


def _points(traffic: Sequence[float], latency: Sequence[float]) -> tuple[Point, ...]:
    return tuple(Point(bytes_per_second=at, latency_ns=ns) for at, ns in zip(traffic, latency, strict=True))


def _counted(intensity: float, *, seed: int) -> tuple[Point, Point]:
    node = node_with(_remote_reader(), seed=seed)
    place(node, [Stressor(axis=Axis.MEMBW, intensity=intensity)], domain=OTHER_DOMAIN)
    counts = counts_of(node, windows=_WINDOWS)
    traffic = counts[OTHER_DOMAIN]["UNC_M_CAS_COUNT.ALL"] * LINE_BYTES / (_WINDOWS * WINDOW_SECONDS)
    return (
        Point(bytes_per_second=traffic, latency_ns=_miss_latency_ns(counts[OTHER_DOMAIN])),
        Point(bytes_per_second=traffic, latency_ns=_miss_latency_ns(counts[DOMAIN])),
    )


def _remote_reader() -> Workload:
    """A database, all of its memory on the other socket."""
    database = workload("udr")
    return replace(database, name="remote-reader", behaviour=replace(database.behaviour, remote=1.0))


def _miss_latency_ns(counts: Mapping[str, float]) -> float:
    """Little's law on the table of requests: occupancy over arrivals."""
    clocks = counts["UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD"] / counts["UNC_CHA_TOR_INSERTS.IA_MISS_DRD"]
    return clocks / UNCORE_CLOCK_HZ * 1e9


def draw_loaded_latency(data: LoadedLatency) -> Figure:
    """One panel: lines are the mechanism, points the counters."""
    figure, (axes,) = sheet(
        "Memory answers at once, then late, then no faster whoever asks",
        "Lines: the mechanism. Points: counters, the membw stressor from idle to full intensity.",
        columns=1,
        height=3.4,
        right=1.25,
        titled=False,
    )
    panel(axes, x="traffic at one socket's memory, GB/s", y="latency of a miss, ns")
    idle, peak = data.local_model[0].latency_ns, data.peak / _GIGA
    axes.set_xlim(0.0, 1.02 * peak)
    axes.set_ylim(0.0, 6.0 * idle)
    for model, counted, colour, name in (
        (data.local_model, data.local_counted, BLUE, "same socket"),
        (data.remote_model, data.remote_counted, VERMILLION, "other socket"),
    ):
        axes.plot(*_coordinates(model), color=colour)
        axes.plot(*_coordinates(counted), "o", color=colour, markerfacecolor="white")
        label(axes, name, at=(1.0, model[0].latency_ns), colour=colour, by=(0.1, -8.0))
    axes.axvline(peak, color=MUTED, linewidth=0.8, linestyle=":")
    label(axes, f"{peak:.0f} GB/s,\nthe peak of\nthe channels", at=(peak, 5.2 * idle), colour=MUTED, by=(10.0, 0.0))
    axes.axhline(2.0 * idle, color=MUTED, linewidth=0.8, linestyle=":")
    label(axes, "twice idle", at=(peak, 2.0 * idle), colour=MUTED, by=(10.0, 0.0))
    furthest = data.local_counted[-1]
    label(
        axes,
        f"as far as the stressor gets:\n{furthest.bytes_per_second / data.peak:.0%} of the peak",
        at=(furthest.bytes_per_second / _GIGA, furthest.latency_ns),
        colour=MUTED,
        by=(-16.0, 26.0),
    )
    return figure


def _coordinates(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """GB/s, nanoseconds."""
    return [point.bytes_per_second / _GIGA for point in points], [point.latency_ns for point in points]
