"""Rings beyond the devices' ways: packets leak into memory, and a neighbour without any I/O pays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from eval.pictures.nodes import DOMAIN, FIRST, WINDOW_SECONDS, counts_of, node_with
from eval.pictures.style import BLUE, GREEN, MUTED, VERMILLION, label, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.hardware import DDIO_BYTES, LINE_BYTES, MEBIBYTE
from eval.testbed.workload import Workload

_ROUTERS = 3
_LINES_A_PACKET = 12.0
"""Frames of 768 bytes."""
_VICTIM = "batch"
_RINGS = tuple((DDIO_BYTES * np.geomspace(1.0 / 16.0, 8.0, 22)).tolist())
_WINDOWS = 15
_GIGA = 1e9
_RINGS_AXIS = "rings of all routers, MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """What one size of rings does.

    Attributes:
        ring_bytes: of all routers together.
        write_misses: share of full-line device writes that miss the cache, as counted.
        bytes_per_second: at the socket's memory, as counted.
        slowdown: of the neighbour without I/O.
    """

    ring_bytes: float
    write_misses: float
    bytes_per_second: float
    slowdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DdioOverflow:
    """From rings far below the ways that devices allocate in to far above."""

    victim: str
    ways_bytes: float
    overflows: tuple[Overflow, ...]


def ddio_overflow(rings: Sequence[float] = _RINGS, *, windows: int = _WINDOWS) -> DdioOverflow:
    """A batch job beside routers whose rings grow; nothing else about them changes.

    Args:
        rings: bytes of all routers together.
        windows: how many to count over at each size.
    """
    return DdioOverflow(
        victim=_VICTIM, ways_bytes=DDIO_BYTES, overflows=tuple(_overflow(ring, windows) for ring in rings)
    )


def _overflow(ring_bytes: float, windows: int) -> Overflow:
    node = node_with(workload(_VICTIM), *[_router(ring_bytes / _ROUTERS)] * _ROUTERS)
    counts = counts_of(node, windows=windows)[DOMAIN]
    return Overflow(
        ring_bytes=ring_bytes,
        write_misses=counts["UNC_CHA_TOR_INSERTS.IO_MISS_ITOM"] / counts["UNC_CHA_TOR_INSERTS.IO_ITOM"],
        bytes_per_second=counts["UNC_M_CAS_COUNT.ALL"] * LINE_BYTES / (windows * WINDOW_SECONDS),
        slowdown=node.true_slowdown(FIRST),
    )


def _router(ring_bytes: float) -> Workload:
    """Larger packets than the catalogue's, of which it reads the headers only; every worker serves."""
    router = workload("router")
    return replace(
        router,
        name="router-large-packets",
        forwarders=0,
        behaviour=replace(
            router.behaviour,
            forward_ns=0.0,
            ring_bytes=ring_bytes,
            received_lines=_LINES_A_PACKET,
            sent_lines=_LINES_A_PACKET,
        ),
    )


def draw_ddio_overflow(data: DdioOverflow) -> Figure:
    """Three panels over the same rings."""
    figure, panels = sheet(
        "Rings that outgrow the devices' ways go through memory",
        f"{data.victim}, which does no I/O, beside {_ROUTERS} routers; only their rings grow.",
        columns=3,
        between=0.8,
    )
    rings = [each.ring_bytes / MEBIBYTE for each in data.overflows]
    misses, traffic, hurt = panels
    for axes in panels:
        axes.set_xscale("log", base=2)
        axes.set_xticks([0.25, 1.0, 4.0, 16.0], ["¼", "1", "4", "16"])
        axes.axvline(data.ways_bytes / MEBIBYTE, color=MUTED, linewidth=0.8, linestyle=":")
    panel(misses, title="device writes that miss", x=_RINGS_AXIS, y="ITOM misses over all")
    misses.plot(rings, [each.write_misses for each in data.overflows], color=BLUE)
    misses.set_ylim(0.0, 1.0)
    panel(traffic, title="memory traffic", x=_RINGS_AXIS, y="read and written, GB/s")
    traffic.plot(rings, [each.bytes_per_second / _GIGA for each in data.overflows], color=GREEN)
    traffic.set_ylim(bottom=0.0)
    panel(hurt, title=f"slowdown of {data.victim}", x=_RINGS_AXIS, y="slowdown, times alone")
    hurt.plot(rings, [each.slowdown for each in data.overflows], color=VERMILLION)
    hurt.set_ylim(bottom=1.0)
    label(misses, "the devices'\nways", at=(data.ways_bytes / MEBIBYTE, 0.88), colour=MUTED, by=(-4.0, 0.0))
    return figure
