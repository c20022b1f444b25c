"""From an event's fields to the words of ``perf_event_attr``, by the formats that the node's own PMU publishes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.cpu_list import read_cpu_list
from agent.errors import EncodingError
from agent.event_table import EventDefinition
from contracts.events import Pmu

PERF_TYPE_RAW = 4
"""``perf_event_attr.type`` of the core PMU (``include/uapi/linux/perf_event.h``)."""

_BOX_NAMES = {
    Pmu.CHA: ("uncore_cha", "uncore_type_0"),
    Pmu.IIO: ("uncore_iio", "uncore_type_1"),
    Pmu.IMC: ("uncore_imc", "uncore_type_6"),
    Pmu.UPI: ("uncore_upi", "uncore_type_8"),
}
"""Names under which the kernel lists boxes; ``uncore_type_N`` before it knew Sapphire Rapids (5.15)."""

_SPELLINGS = {"cmask": ("cmask", "thresh"), "umask": ("umask", "umask_ext")}

_CORE_FORMATS = {
    "event": "config:0-7",
    "umask": "config:8-15",
    "edge": "config:18",
    "inv": "config:23",
    "cmask": "config:24-31",
}
"""Where the core PMU has its fields (Intel SDM volume 3, "IA32_PERFEVTSELx MSRs"); used where sysfs is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PmuNode:
    """One PMU as the node's sysfs shows it.

    Attributes:
        name: directory name, ``cpu`` or ``uncore_cha_3``.
        type: ``perf_event_attr.type``.
        formats: field to place, ``umask`` to ``config:8-15,32-55``.
        cpus: one CPU a package for uncore PMUs; empty for the core PMU.
    """

    name: str
    type: int
    formats: Mapping[str, str] = field(default_factory=dict)
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What ``perf_event_open`` is given for an event."""

    event: str
    pmu: str
    type: int
    config: int
    config1: int = 0
    config2: int = 0


def core_pmu(sys: Path) -> PmuNode:
    """The core PMU; where sysfs has none, one with the architecture's own formats, so that opening it says why."""
    path = _devices(sys) / "cpu"
    if not path.is_dir():
        return PmuNode(name="cpu", type=PERF_TYPE_RAW, formats=_CORE_FORMATS)
    return _read_pmu(path, default_formats=_CORE_FORMATS)


def uncore_boxes(sys: Path, pmu: Pmu) -> tuple[PmuNode, ...]:
    """All boxes of one kind, in ascending order; none where the node hides them."""
    for prefix in _BOX_NAMES[pmu]:
        pattern = re.compile(rf"{prefix}_(\d+)$")
        numbered = sorted(
            (int(match.group(1)), path)
            for path in _directory(_devices(sys))
            if (match := pattern.match(path.name)) is not None
        )
        if numbered:
            return tuple(_read_pmu(path) for _, path in numbered)
    return ()


def encode(event: EventDefinition, node: PmuNode) -> Encoding:
    """Place an event's fields as the PMU's formats say.

    Raises:
        EncodingError: the PMU's formats lack a field, or have too few bits for it.
    """
    words = {"config": 0, "config1": 0, "config2": 0}
    for name, value in event.fields.items():
        place = _place_of(name, node)
        if place is None:
            raise EncodingError(f"{_kind_of(node)} has no format field {name}: a newer kernel knows it")
        word, _, ranges = place.partition(":")
        if word not in words:
            raise EncodingError(
                f"{_kind_of(node)} places {name} in {word}, which this agent can't set: upgrade the agent"
            )
        scattered, rest = _scatter(value, ranges)
        if rest:
            raise EncodingError(f"{_kind_of(node)} has too few {name} bits ({place}): a newer kernel has more")
        words[word] |= scattered
    return Encoding(event=event.name, pmu=node.name, type=node.type, **words)


def _devices(sys: Path) -> Path:
    return sys / "bus/event_source/devices"


def _directory(path: Path) -> tuple[Path, ...]:
    return tuple(path.iterdir()) if path.is_dir() else ()


def _read_pmu(path: Path, default_formats: Mapping[str, str] | None = None) -> PmuNode:
    formats = {entry.name: entry.read_text().strip() for entry in _directory(path / "format")}
    return PmuNode(
        name=path.name,
        type=int((path / "type").read_text()),
        formats=formats or default_formats or {},
        cpus=read_cpu_list(path / "cpumask"),
    )


def _place_of(name: str, node: PmuNode) -> str | None:
    return next(
        (node.formats[spelling] for spelling in _SPELLINGS.get(name, (name,)) if spelling in node.formats), None
    )


def _kind_of(node: PmuNode) -> str:
    return re.sub(r"_\d+$", "", node.name)


def _scatter(value: int, ranges: str) -> tuple[int, int]:
    """Spread ``value``, lowest bits first, over bit ranges like ``8-15,32-55``; also what did not fit."""
    word = 0
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        low, width = int(first), int(last or first) - int(first) + 1
        word |= (value & ((1 << width) - 1)) << low
        value >>= width
    return word, value
