"""What really counts: every source opened, enabled, and read twice with some work in between.

That a file exists, or that an event opens, says little: boxes whose initialisation failed count nothing, and guests get
counters that never run.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from agent.deltas import BlockDelta
from agent.readings import merge
from agent.settings import AgentSettings
from agent.sources.opening import opened
from agent.sources.protocol import CounterBlock, CounterSource, MissingEvent, Reading
from agent.sources.unread import is_unread
from agent.topology import Topology
from agent.window import domain_counts, window_deltas
from contracts.events import EVENTS, Pmu

PROBE_SECONDS = 0.3
"""Long enough for a dozen groups to have had their turn: the kernel rotates them with its tick, every 1 to 10 ms."""
TURNS = 12
"""Groups of isolated CPUs take turns by the agent's hand, one with each sample; no node needs more groups than this."""

_ALWAYS_TICKING = frozenset(
    {"INST_RETIRED.ANY", "TOPDOWN.SLOTS", "CPU_CLK_UNHALTED.THREAD", "UNC_M_CLOCKTICKS", "UNC_UPI_CLOCKTICKS"}
)
"""Zero over a whole domain is no small load here, but a PMU that does not count."""
_CLUSTER = re.compile(r"-snc\d+$")
_BUSY_BOXES = frozenset({Pmu.CHA, Pmu.IMC, Pmu.UPI})
"""Memory is spread over all boxes of these kinds, so none is silent alone. IIO boxes idle where no device works."""


class Fault(StrEnum):
    """What is wrong with a row of counts."""

    UNREAD = "unreadable"
    NEVER_RAN = "never ran"
    IMPOSSIBLE = "impossible counts"
    SILENT = "no counts at all"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRow:
    """A CPU's, box's or group's counts that can't be believed.

    Attributes:
        instance: ``cpu17``, ``uncore_cha_3@socket0``.
        pmu: who counts.
        fault: the worst of it.
    """

    instance: str
    pmu: Pmu
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the sources gave.

    Attributes:
        counting: events with a believable count in every domain, ceilings (``NODE.*``) among them.
        opened: events that opened, whether or not they count.
        missing: why the others did not open.
        faults: rows that can't be believed.
        core_cpus: CPUs on which core events are open.
        core_groups: groups that take turns on such a CPU.
        smallest_core_share: the part of the time (0 to 1) that the least lucky of them ran; ``None`` without any.
        descriptors: how many counters are open at one time.
    """

    counting: frozenset[str]
    opened: frozenset[str]
    missing: Mapping[str, MissingEvent]
    faults: tuple[FaultyRow, ...]
    core_cpus: int
    core_groups: int
    smallest_core_share: float | None
    descriptors: int


def work(seconds: float) -> None:
    """Keep one CPU busy, so that there is something to count."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def probe(
    sources: Sequence[CounterSource],
    *,
    topology: Topology,
    settings: AgentSettings,
    seconds: float = PROBE_SECONDS,
    work: Callable[[float], None] = work,
) -> Probe:
    """Open the sources, let some time pass at work with samples in between, and close them.

    Args:
        sources: at least one, none open.
        topology: the node's domains.
        settings: the minimum running share.
        seconds: between the two readings, above zero.
        work: fills that time.

    Raises:
        AgentError: no source was given, or their time did not move on.
    """
    with opened(sources) as answers:
        first = merge([source.read() for source in sources])
        for turn in range(TURNS):
            work(seconds / TURNS)
            if turn < TURNS - 1:
                for source in sources:
                    source.read(ends_window=False)
        last = merge([source.read() for source in sources])
    share = settings.minimum_running_share
    core = [block for block in last.blocks if block.pmu is Pmu.CORE]
    cpus = [cpu for block in core for cpu in block.instances]
    return Probe(
        counting=_counting(first, last, topology=topology, minimum_running_share=share),
        opened=frozenset[str]().union(*(answer.events for answer in answers)),
        missing={entry.event: entry for answer in answers for entry in answer.missing},
        faults=_faults(first, last, minimum_running_share=share),
        core_cpus=len(set(cpus)),
        core_groups=cpus.count(cpus[0]) if cpus else 0,
        smallest_core_share=min(_running_shares(first, last), default=None),
        descriptors=sum(
            len(block.instances) * len(block.events) for block in last.blocks if block.pmu is not Pmu.RESCTRL
        ),
    )


def _counting(first: Reading, last: Reading, *, topology: Topology, minimum_running_share: float) -> frozenset[str]:
    counts = domain_counts(first, last, topology=topology, minimum_running_share=minimum_running_share)
    everywhere = frozenset.intersection(*(frozenset(own) for own in counts.values()))
    still = {name for name in everywhere & _ALWAYS_TICKING if any(own[name] == 0.0 for own in counts.values())}
    dead = {EVENTS[name].pmu for name in still}
    return frozenset(name for name in everywhere if EVENTS[name].pmu not in dead)


def _pairs(first: Reading, last: Reading) -> Iterator[tuple[CounterBlock, CounterBlock]]:
    """Blocks that have the same rows in both readings; others were not meant for this window, or are just changing."""
    before = {(block.pmu, block.events, block.instances): block for block in first.blocks}
    for block in last.blocks:
        earlier = before.get((block.pmu, block.events, block.instances))
        if earlier is not None:
            yield earlier, block


def _running_shares(first: Reading, last: Reading) -> Iterator[float]:
    for before, after in _pairs(first, last):
        if before.pmu is Pmu.CORE:
            enabled = (after.enabled_ns - before.enabled_ns).astype(np.int64)
            running = (after.running_ns - before.running_ns).astype(np.int64)
            timed = (enabled > 0) & (running >= 0)
            yield from (running[timed] / enabled[timed]).tolist()


def _faults(first: Reading, last: Reading, *, minimum_running_share: float) -> tuple[FaultyRow, ...]:
    found: dict[str, FaultyRow] = {}
    deltas = window_deltas(first, last, minimum_running_share=minimum_running_share)
    for row in (*_unbelievable(first, last, deltas), *_silent(deltas)):
        found.setdefault(row.instance, row)
    return tuple(found.values())


def _unbelievable(first: Reading, last: Reading, deltas: Iterable[BlockDelta]) -> Iterator[FaultyRow]:
    bad = {
        (delta.pmu, delta.events, instance)
        for delta in deltas
        for instance, good in zip(delta.instances, delta.good.tolist(), strict=True)
        if not good
    }
    for before, after in _pairs(first, last):
        unread = is_unread(enabled_ns=after.enabled_ns, running_ns=after.running_ns)
        unread |= is_unread(enabled_ns=before.enabled_ns, running_ns=before.running_ns)
        for index, instance in enumerate(after.instances):
            if (after.pmu, after.events, instance) in bad:
                fault = Fault.UNREAD if unread[index] else Fault.IMPOSSIBLE
                if fault is Fault.IMPOSSIBLE and after.running_ns[index] == before.running_ns[index]:
                    fault = Fault.NEVER_RAN
                yield FaultyRow(instance=_of_socket(instance), pmu=after.pmu, fault=fault)


def _silent(deltas: Iterable[BlockDelta]) -> Iterator[FaultyRow]:
    """Boxes that count nothing at all, be it that all of their kind do."""
    totals: dict[tuple[Pmu, str], float] = {}
    for delta in deltas:
        if delta.pmu in _BUSY_BOXES:
            for instance, total in zip(delta.instances, delta.scaled.sum(axis=1).tolist(), strict=True):
                totals[delta.pmu, instance] = totals.get((delta.pmu, instance), 0.0) + total
    for (pmu, instance), total in totals.items():
        if total == 0.0:
            yield FaultyRow(instance=_of_socket(instance), pmu=pmu, fault=Fault.SILENT)


def _of_socket(instance: str) -> str:
    """A row's name without its cluster, since one box counts for all of a socket's clusters.

    >>> _of_socket("uncore_imc_3@socket0-snc1")
    'uncore_imc_3@socket0'
    """
    return _CLUSTER.sub("", instance)
