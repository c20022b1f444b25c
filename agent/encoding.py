"""From an event's fields to the words of ``perf_event_attr``, by the formats that the node's own PMU publishes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from agent import log
from agent.errors import EncodingError
from agent.event_table import EventDefinition
from agent.kernel_names import KERNEL_NAMES, disagreements, fields_on
from agent.pmu_sysfs import PmuNode
from contracts.events import Pmu

_SPELLINGS = {"cmask": ("cmask", "thresh", "threshold"), "umask": ("umask", "umask_ext", "umask2")}
"""Names that kernels give a field. Where one has several of them, the first holds the lower bits."""

_PLACE = re.compile(r"(?P<word>\w+):(?P<ranges>[0-9]{1,2}(?:-[0-9]{1,2})?(?:,[0-9]{1,2}(?:-[0-9]{1,2})?)*)", re.ASCII)
_WORDS = frozenset({"config", "config1", "config2"})
_GENERIC_TABLE = "generic"
_EVERYWHERE = 8
"""A core event with as many counters as a Golden Cove core has fits on each of them."""


Bit = tuple[str, int]
"""A word of ``perf_event_attr`` and a bit's number in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What ``perf_event_open`` is given for an event."""

    event: str
    pmu: str
    type: int
    config: int
    config1: int = 0
    config2: int = 0


def encode(event: EventDefinition, node: PmuNode) -> Encoding:
    """Place an event's fields as the PMU's formats say.

    Fixed counters and top-down metrics are encoded as the node's kernel names them, where it does. A kernel that does
    not know this CPU model would put an event on counters that cannot count it, so it is given only what fits on all.

    A kernel that names events and no top-down metric among them has none to give: it would count something else under
    the metric's number (Linux, ``td_is_visible`` in ``arch/x86/events/intel/core.c``).

    Raises:
        EncodingError: the PMU's formats lack a field, have too few bits for it, or can't be understood; or the kernel
            does not know the counters that the event fits on, or offers no such metric.
    """
    if event.is_metric and node.kernel_terms and KERNEL_NAMES[event.name] not in node.kernel_terms:
        raise EncodingError(
            "the kernel offers no top-down metrics here: run on bare metal, or give the guest PERF_METRICS"
        )
    if event.pmu is Pmu.CORE and 0 < len(event.counters) < _EVERYWHERE and node.kernel_table.startswith(_GENERIC_TABLE):
        raise EncodingError(
            f"this kernel does not know the CPU's counters (pmu_name {node.kernel_table}) and may misplace it: upgrade "
            "to 5.12 or later"
        )
    words = {"config": 0, "config1": 0, "config2": 0}
    taken: set[Bit] = set()
    for name, value in fields_on(event, node.kernel_terms).items():
        bits = _bits_of(name, node)
        if value >> len(bits):
            raise EncodingError(f"{_kind_of(node)} has too few {name} bits ({len(bits)}): a newer kernel has more")
        if not taken.isdisjoint(bits):
            raise EncodingError(f"{_kind_of(node)} places {name} where another field lies: check its sysfs")
        taken.update(bits)
        for index, (word, bit) in enumerate(bits):
            words[word] |= (value >> index & 1) << bit
    return Encoding(event=event.name, pmu=node.name, type=node.type, **words)


def log_disagreements(events: Iterable[EventDefinition], node: PmuNode) -> None:
    """Log each event that the node's kernel encodes differently from the vendor's file."""
    for differing in disagreements(events, node.kernel_terms):
        log.info(
            "encodings-differ",
            pmu=node.name,
            counter=differing.event,
            kernel=dict(differing.kernel),
            vendor=dict(differing.vendor),
        )


def _bits_of(name: str, node: PmuNode) -> tuple[Bit, ...]:
    """Where a field's bits lie, the lowest first."""
    places = [node.formats[spelling] for spelling in _SPELLINGS.get(name, (name,)) if spelling in node.formats]
    if not places:
        raise EncodingError(f"{_kind_of(node)} has no format field {name}: a newer kernel knows it")
    for place in places:
        if _parsed(place) is None:
            raise EncodingError(f"{_kind_of(node)} places {name} at {place[:20]!r}, which is no place: check its sysfs")
    bits = tuple(bit for place in places for bit in _parsed(place) or ())
    for word, _ in bits:
        if word not in _WORDS:
            raise EncodingError(
                f"{_kind_of(node)} places {name} in {word[:20]}, which this agent can't set: upgrade the agent"
            )
    return bits


@lru_cache(maxsize=256)
def _parsed(place: str) -> tuple[Bit, ...] | None:
    """Word and number of each bit of a place like ``config:8-15,32-55``; ``None`` for other text."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    bits: list[Bit] = []
    for part in match["ranges"].split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if not low <= high < 64:
            return None
        bits.extend((match["word"], bit) for bit in range(low, high + 1))
    return tuple(bits) if len(set(bits)) == len(bits) else None


def _kind_of(node: PmuNode) -> str:
    return re.sub(r"_\d+$", "", node.name)
