"""Which events a simulated node offers, and how it misreads some: nodes of one microarchitecture differ in that."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from agent.sources.protocol import MissingEvent
from agent.sources.refusal import all_missing, refused
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1

COUNTED_EVENTS: frozenset[str] = frozenset(
    name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu is not Pmu.NODE
)
"""All events of the contract that something counts."""


class Misreading(StrEnum):
    """What an odd box reports, each seen on real machines.

    ``stuck``: all ones, as a PCI read gives where nobody answers. ``racing``: clock ticks three times too fast.
    ``silent``: zeros, as of a box whose initialisation failed.
    """

    STUCK = "stuck"
    RACING = "racing"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OddBox:
    """A box that misreads: ``uncore_upi_0@socket0``."""

    instance: str
    misreading: Misreading


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOffer:
    """What a node offers of the contract's events.

    Attributes:
        name: of the kind of node.
        missing: events that can't be opened, each with the errno and the reason that the agent would give.
        core_counters: general counters of a core: clouds leave three of eight.
        odd_boxes: boxes that misread.
    """

    name: str
    missing: tuple[MissingEvent, ...] = ()
    core_counters: int = 8
    odd_boxes: tuple[OddBox, ...] = ()

    @property
    def events(self) -> frozenset[str]:
        """Events that can be opened."""
        return COUNTED_EVENTS - {entry.event for entry in self.missing}


_UNCORE = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO})


def _events(chosen: Callable[[str], bool]) -> list[str]:
    return sorted(name for name in COUNTED_EVENTS if chosen(name))


def _refused(number: int, chosen: Callable[[str], bool]) -> tuple[MissingEvent, ...]:
    return tuple(refused(name, number) for name in _events(chosen))


def _is_metric(name: str) -> bool:
    return name.startswith("PERF_METRICS.") or name == "TOPDOWN.SLOTS"


_NO_UNCORE = all_missing(
    _events(lambda name: EVENTS[name].pmu in _UNCORE),
    number=errno.ENOENT,
    reason="sysfs lists no uncore box: load intel_uncore, or run on bare metal",
)
_NO_RESCTRL = all_missing(
    _events(lambda name: EVENTS[name].pmu is Pmu.RESCTRL),
    number=errno.ENOENT,
    reason="resctrl is not mounted: mount -t resctrl resctrl /sys/fs/resctrl, on a CPU with RDT monitoring",
)
_NO_METRICS = _refused(errno.EINVAL, _is_metric)
_NO_CORE = all_missing(
    _events(lambda name: EVENTS[name].pmu is Pmu.CORE),
    number=errno.ENODEV,
    reason="every CPU is isolated and the policy for isolated CPUs is never: set spec.isolatedCpus to sampled",
)
_NO_WIDE_UMASKS = _refused(errno.EINVAL, lambda name: name.startswith("UNC_CHA_TOR_INSERTS.IO_"))
_NO_IIO = all_missing(
    _events(lambda name: EVENTS[name].pmu is Pmu.IIO),
    number=errno.ENOENT,
    reason="sysfs lists no uncore iio box: load intel_uncore, or run on bare metal",
)

FULL = EventOffer(name="full")
VIRTUAL_MACHINE = EventOffer(name="virtual-machine", missing=_NO_UNCORE + _NO_RESCTRL + _NO_METRICS, core_counters=3)
METAL_WITHOUT_UNCORE = EventOffer(name="without-uncore", missing=_NO_UNCORE)
WITHOUT_RESCTRL = EventOffer(name="without-resctrl", missing=_NO_RESCTRL)
WITHOUT_METRICS = EventOffer(name="without-top-down-metrics", missing=_NO_METRICS)
OLD_KERNEL = EventOffer(name="old-kernel", missing=_NO_WIDE_UMASKS + _NO_IIO)
ISOLATED_CORES = EventOffer(name="isolated-cores", missing=_NO_CORE)
ODD_BOXES = EventOffer(
    name="odd-boxes",
    odd_boxes=(
        OddBox(instance="uncore_upi_0@socket0", misreading=Misreading.STUCK),
        OddBox(instance="uncore_imc_0@socket1", misreading=Misreading.RACING),
        OddBox(instance="uncore_cha_2@socket0", misreading=Misreading.SILENT),
    ),
)
