"""What the vendor says of each event: its fields and the counters it fits on.

From Intel's perfmon files in ``agent/data`` (V1.39), and from the Linux kernel (``arch/x86/events/intel/core.c``) where
perfmon has no entry or an encoding that the kernel does not take: the fixed counters and the top-down metrics.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from agent.errors import EncodingError
from contracts.events import Pmu

_FILES = ("sapphirerapids_core.json", "sapphirerapids_uncore.json", "sapphirerapids_uncore_experimental.json")
_UNITS = {"CHA": Pmu.CHA, "iMC": Pmu.IMC, "UPI LL": Pmu.UPI, "IIO": Pmu.IIO}

_FIXED_COUNTERS = {
    "INST_RETIRED.ANY": (0xC0, 0x00),
    "CPU_CLK_UNHALTED.THREAD": (0x3C, 0x00),
    "CPU_CLK_UNHALTED.REF_TSC": (0x00, 0x03),
    "TOPDOWN.SLOTS": (0x00, 0x04),
}
"""Event code and umask under which the kernel schedules a fixed counter."""

_TOP_DOWN_METRICS = (
    "RETIRING",
    "BAD_SPECULATION",
    "FRONTEND_BOUND",
    "BACKEND_BOUND",
    "HEAVY_OPERATIONS",
    "BRANCH_MISPREDICTS",
    "FETCH_LATENCY",
    "MEMORY_BOUND",
)
"""In the kernel's order: event code 0x00, umask 0x80 and upwards."""

SLOTS = "TOPDOWN.SLOTS"
"""The leader that every group with a top-down metric needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDefinition:
    """One event of the vendor.

    Attributes:
        name: vendor name.
        pmu: who counts.
        fields: format field to value, zeros left out: ``event``, ``umask``, ``cmask``, ``inv``, ``edge``, ``ch_mask``,
            ``fc_mask``.
        counters: general counters it fits on; none for fixed counters and top-down metrics.
    """

    name: str
    pmu: Pmu
    fields: Mapping[str, int]
    counters: frozenset[int] = frozenset()

    @property
    def is_metric(self) -> bool:
        """Whether it is a top-down metric, which counts only in a group led by ``TOPDOWN.SLOTS``."""
        return self.name.startswith("PERF_METRICS.")

    @property
    def is_fixed(self) -> bool:
        """Whether it has a counter of its own and takes no general one."""
        return not self.counters


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """All that the event files say.

    Attributes:
        events: by vendor name.
        faults: one sentence each, which file or entry could not be understood.
    """

    events: Mapping[str, EventDefinition]
    faults: tuple[str, ...] = ()


def definition(name: str, table: EventTable | None = None) -> EventDefinition:
    """Look an event up.

    >>> hex(definition("UNC_CHA_TOR_INSERTS.IA").fields["umask"])
    '0xc001ff01'

    Args:
        name: vendor name.
        table: where; what is shipped with the agent by default.

    Raises:
        EncodingError: neither the vendor's file nor the kernel's additions have it.
    """
    table = table or _shipped()
    try:
        return table.events[name]
    except KeyError:
        advice = "run python -m agent.data.trim_perfmon over the vendor's files"
        if table.faults:
            advice = f"{table.faults[0]}; install the agent again"
        raise EncodingError(f"event {name!r} is not in agent/data: {advice}") from None


def read_event_files(directory: Traversable) -> EventTable:
    """Read the vendor's files, and add what the kernel defines. What can't be understood is left out, and told.

    Args:
        directory: where the files lie.
    """
    events: dict[str, EventDefinition] = {}
    faults: list[str] = []
    for name in _FILES:
        for entry in _entries(directory / name, faults=faults):
            events[entry.name] = entry
    for index, metric in enumerate(_TOP_DOWN_METRICS):
        name = f"PERF_METRICS.{metric}"
        events[name] = EventDefinition(name=name, pmu=Pmu.CORE, fields={"umask": 0x80 + index})
    return EventTable(events=events, faults=tuple(faults))


@cache
def _shipped() -> EventTable:
    return read_event_files(files("agent.data"))


def _entries(file: Traversable, *, faults: list[str]) -> Iterator[EventDefinition]:
    try:
        listed = list(json.loads(file.read_text(encoding="utf-8"))["Events"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        faults.append(f"{file.name} can't be read ({type(error).__name__})")
        return
    for event in listed:
        try:
            yield _from_perfmon(event)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            faults.append(f"{file.name} has an entry that is no event ({type(error).__name__})")


def _from_perfmon(event: Mapping[str, str]) -> EventDefinition:
    name = event["EventName"]
    if name in _FIXED_COUNTERS:
        code, umask = _FIXED_COUNTERS[name]
        return EventDefinition(name=name, pmu=Pmu.CORE, fields=_without_zeros({"event": code, "umask": umask}))

    def number(key: str) -> int:
        return int(event.get(key, "0"), 0)

    fields = {
        "event": number("EventCode"),
        "umask": number("UMaskExt") << 8 | number("UMask"),
        "cmask": number("CounterMask"),
        "inv": number("Invert"),
        "edge": number("EdgeDetect"),
        "ch_mask": number("PortMask"),
        "fc_mask": number("FCMask"),
    }
    return EventDefinition(
        name=name,
        pmu=_UNITS[event["Unit"]] if "Unit" in event else Pmu.CORE,
        fields=_without_zeros(fields),
        counters=frozenset(int(counter) for counter in event["Counter"].split(",")),
    )


def _without_zeros(fields: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in fields.items() if value}
