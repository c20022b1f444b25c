"""The PMUs that the node's sysfs lists: their types, formats, CPUs, and what the kernel calls their events."""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.cpu_list import read_cpu_list
from agent.errors import TopologyError
from agent.kernel_names import KERNEL_NAMES, Terms, parse_terms
from agent.sysfs import read_number, read_text
from contracts.events import Pmu

PERF_TYPE_RAW = 4
"""``perf_event_attr.type`` of the core PMU (``include/uapi/linux/perf_event.h``)."""

_CORE_NAMES = ("cpu", "cpu_core")
"""The core PMU; kernels that know more than one kind of core give each its own name."""

_BOX_NAMES = {
    Pmu.CHA: ("uncore_cha", "uncore_type_0"),
    Pmu.IIO: ("uncore_iio", "uncore_type_1"),
    Pmu.IMC: ("uncore_imc", "uncore_type_6"),
    Pmu.UPI: ("uncore_upi", "uncore_type_8"),
}
"""Names under which the kernel lists boxes; ``uncore_type_N`` before it knew Sapphire Rapids (5.15)."""

_HBM_BOX = re.compile(r"(uncore_hbm|uncore_type_14)(_[0-9]+)?")

_CORE_FORMATS = {
    "event": "config:0-7",
    "umask": "config:8-15",
    "edge": "config:18",
    "inv": "config:23",
    "cmask": "config:24-31",
}
"""Where the core PMU has its fields (Intel SDM volume 3, "IA32_PERFEVTSELx MSRs"); used where sysfs is silent."""

_FORMATS = frozenset({*_CORE_FORMATS, "thresh", "threshold", "umask_ext", "umask2", "ch_mask", "fc_mask"})
"""The format files that an event of the contract can need; boxes have others besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PmuNode:
    """One PMU as the node's sysfs shows it.

    Attributes:
        name: directory name, ``cpu`` or ``uncore_cha_3``.
        type: ``perf_event_attr.type``.
        formats: field to place, ``umask`` to ``config:8-15,32-55``.
        cpus: one CPU a package for uncore PMUs; empty for the core PMU.
        kernel_terms: what the kernel itself calls an event (``slots``), to the fields that it gives it.
        kernel_table: the kernel's name for its tables of this PMU (``caps/pmu_name``); empty where it does not tell.
    """

    name: str
    type: int
    formats: Mapping[str, str] = field(default_factory=dict)
    cpus: tuple[int, ...] = ()
    kernel_terms: Mapping[str, Terms] = field(default_factory=dict)
    kernel_table: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableBox:
    """A box that sysfs lists and does not describe.

    Attributes:
        name: directory name.
        errno: why, above zero; ``EINVAL`` where a file holds nonsense.
        reason: one sentence with what to do.
    """

    name: str
    errno: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """All boxes of one kind, in ascending order."""

    readable: tuple[PmuNode, ...] = ()
    unreadable: tuple[UnreadableBox, ...] = ()


def core_pmu(sys: Path) -> PmuNode:
    """The core PMU; where sysfs has none, one with the architecture's own formats, so that opening it says why.

    Raises:
        OSError: sysfs has it and does not show it.
    """
    for name in _CORE_NAMES:
        path = _devices(sys) / name
        if path.is_dir():
            number = read_number(path / "type")
            return PmuNode(
                name=name,
                type=PERF_TYPE_RAW if number is None else number,
                formats=_formats(path) or _CORE_FORMATS,
                kernel_terms=_kernel_terms(path),
                kernel_table=_text(path / "caps/pmu_name"),
            )
    return PmuNode(name=_CORE_NAMES[0], type=PERF_TYPE_RAW, formats=_CORE_FORMATS)


def read_boxes(sys: Path, pmu: Pmu) -> Boxes:
    """The boxes of one kind, in ascending order; none where the node hides them.

    Their numbers may have gaps; a kind with a single box has no number.

    Raises:
        OSError: the list of PMUs can't be read.
    """
    root = _devices(sys)
    listed = [path.name for path in _entries(root)]
    for prefix in _BOX_NAMES[pmu]:
        pattern = re.compile(rf"{prefix}(?:_([0-9]+))?")
        numbered = sorted((int(match[1] or 0), match[0]) for name in listed if (match := pattern.fullmatch(name)))
        if numbered:
            boxes = [_box(root / name) for _, name in numbered]
            return Boxes(
                readable=tuple(box for box in boxes if isinstance(box, PmuNode)),
                unreadable=tuple(box for box in boxes if isinstance(box, UnreadableBox)),
            )
    return Boxes()


def has_hbm_boxes(sys: Path) -> bool:
    """Whether the node has memory channels of HBM, named so or not.

    Raises:
        OSError: the list of PMUs can't be read.
    """
    return any(_HBM_BOX.fullmatch(path.name) for path in _entries(_devices(sys)))


def _devices(sys: Path) -> Path:
    return sys / "bus/event_source/devices"


def _box(path: Path) -> PmuNode | UnreadableBox:
    try:
        number = read_number(path / "type")
        if number is None:
            raise TopologyError(f"{path / 'type'} holds no number")
        return PmuNode(
            name=path.name,
            type=number,
            formats=_formats(path),
            cpus=read_cpu_list(path / "cpumask"),
            kernel_terms=_kernel_terms(path),
        )
    except OSError as error:
        reason = f"{error.filename} can't be read: let the container see and read the host's sysfs"
        return UnreadableBox(name=path.name, errno=error.errno or errno.EIO, reason=reason)
    except TopologyError as error:
        return UnreadableBox(name=path.name, errno=errno.EINVAL, reason=f"{error}: see the kernel log")


def _formats(path: Path) -> dict[str, str]:
    return {entry.name: read_text(entry) for entry in _entries(path / "format") if entry.name in _FORMATS}


def _kernel_terms(path: Path) -> Mapping[str, Terms]:
    named = frozenset(KERNEL_NAMES.values())
    read = {entry.name: parse_terms(read_text(entry)) for entry in _entries(path / "events") if entry.name in named}
    return {name: terms for name, terms in read.items() if terms is not None}


def _entries(path: Path) -> tuple[Path, ...]:
    return tuple(path.iterdir()) if path.is_dir() else ()


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except FileNotFoundError:
        return ""
