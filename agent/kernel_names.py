"""What the node's kernel itself calls an event (``events/`` in a PMU's directory), held against the vendor's file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.event_table import EventDefinition

KERNEL_NAMES: Mapping[str, str] = {
    "INST_RETIRED.ANY": "instructions",
    "CPU_CLK_UNHALTED.THREAD": "cpu-cycles",
    "TOPDOWN.SLOTS": "slots",
    "PERF_METRICS.RETIRING": "topdown-retiring",
    "PERF_METRICS.BAD_SPECULATION": "topdown-bad-spec",
    "PERF_METRICS.FRONTEND_BOUND": "topdown-fe-bound",
    "PERF_METRICS.BACKEND_BOUND": "topdown-be-bound",
    "PERF_METRICS.HEAVY_OPERATIONS": "topdown-heavy-ops",
    "PERF_METRICS.BRANCH_MISPREDICTS": "topdown-br-mispredict",
    "PERF_METRICS.FETCH_LATENCY": "topdown-fetch-lat",
    "PERF_METRICS.MEMORY_BOUND": "topdown-mem-bound",
    "LONGEST_LAT_CACHE.REFERENCE": "cache-references",
    "LONGEST_LAT_CACHE.MISS": "cache-misses",
    "UNC_M_CAS_COUNT.WR": "cas_count_write",
    "UNC_M_CLOCKTICKS": "clockticks",
}
"""Vendor's name to the kernel's (Linux, ``arch/x86/events/intel/core.c`` and ``uncore_snbep.c``)."""

_TERM = re.compile(r"([a-z][a-z0-9_]*)(?:=(0x[0-9a-fA-F]{1,16}|[0-9]{1,19}))?")

Terms = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """An event that the node's kernel and the vendor's file encode differently.

    Attributes:
        event: vendor name.
        kernel, vendor: what either says, format field to value, zeros left out.
    """

    event: str
    kernel: Terms
    vendor: Terms


def parse_terms(text: str) -> dict[str, int] | None:
    """Format fields of the kernel's notation, zeros left out; ``None`` where it is another notation.

    >>> parse_terms("event=0x05,umask=0xcf")
    {'event': 5, 'umask': 207}
    >>> parse_terms("event=0x01,umask=0x00")
    {'event': 1}
    """
    terms = {}
    for part in text.split(","):
        match = _TERM.fullmatch(part.strip())
        if match is None:
            return None
        terms[match[1]] = int(match[2] or "1", 0)
    return {name: value for name, value in terms.items() if value}


def fields_on(event: EventDefinition, kernel_terms: Mapping[str, Terms]) -> Terms:
    """What to encode: the kernel's own terms for fixed counters and top-down metrics, else the vendor's.

    Fixed counters and metrics are pseudo-encodings that the kernel defines. All others are the hardware's, which the
    vendor defines.

    Args:
        event: of the vendor's file.
        kernel_terms: the kernel's names of this PMU to their terms.
    """
    own = kernel_terms.get(KERNEL_NAMES.get(event.name, "")) if event.is_fixed else None
    return event.fields if own is None else own


def disagreements(events: Iterable[EventDefinition], kernel_terms: Mapping[str, Terms]) -> tuple[Disagreement, ...]:
    """Events that the kernel's terms encode differently from the vendor's file, in the order given."""
    return tuple(
        Disagreement(event=event.name, kernel=own, vendor=event.fields)
        for event in events
        if (own := kernel_terms.get(KERNEL_NAMES.get(event.name, ""))) is not None and own != event.fields
    )
