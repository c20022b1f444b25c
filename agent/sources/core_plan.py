"""Which core events count together on this node: what its formats can say, its kernel accepts, its counters hold."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.encoding import Encoding, encode
from agent.errors import EncodingError
from agent.event_table import SLOTS, EventDefinition, definition
from agent.pmu_sysfs import PmuNode
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.groups import GENERAL_COUNTERS, formula_events, plan_groups
from agent.sources.kernel import Kernel
from agent.sources.protocol import MissingEvent
from agent.sources.refusal import all_missing, refused
from agent.topology import Topology
from contracts.events import EVENTS, Pmu
from contracts.nodestate import IsolatedCpuPolicy

FITS_ANYWHERE = "CPU_CLK_UNHALTED.DISTRIBUTED"
"""Counts on every general counter and on no fixed one: copies of it tell how many general counters there are."""
_FIXED_CYCLES = "CPU_CLK_UNHALTED.THREAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorePlan:
    """What to open on every CPU.

    Attributes:
        groups: events by group, in the order of opening, the most telling group first.
        encodings: of all events of the groups.
        missing: events that can't be counted, each with the reason of the one CPU that was asked.
    """

    groups: tuple[tuple[str, ...], ...]
    encodings: Mapping[str, Encoding]
    missing: tuple[MissingEvent, ...]


def cpu_to_ask(topology: Topology, policy: IsolatedCpuPolicy) -> int | None:
    """The CPU on which everything is tried: one that the policy does not spare, an isolated one only where all are.

    Args:
        topology: which CPUs there are.
        policy: for isolated CPUs.

    Returns:
        ``None`` where the policy spares all.
    """
    isolated = topology.isolated_cpus
    cpus = [cpu for domain in topology.domains for cpu in domain.cpus]
    if policy is IsolatedCpuPolicy.NEVER:
        cpus = [cpu for cpu in cpus if cpu not in isolated]
    return min(cpus, key=lambda cpu: (cpu in isolated, cpu), default=None)


def plan_core(wanted: Sequence[str], *, node: PmuNode, cpu: int, kernel: Kernel, watchdog: bool) -> CorePlan:
    """Try every event alone on one CPU, so that its own errno is known, then the groups of those that work.

    Args:
        wanted: core events.
        node: the core PMU.
        cpu: the CPU to ask; its counters are opened and closed again.
        kernel: the system calls.
        watchdog: whether the NMI watchdog keeps the fixed cycle counter for itself: cycles then take a general one.
    """
    missing: list[MissingEvent] = []
    encodings = _encodings(wanted, node=node, cpu=cpu, kernel=kernel, missing=missing)
    definitions = {name: _seen_by_planner(definition(name), watchdog=watchdog) for name in encodings}
    groups = _accepted(definitions, encodings, cpu=cpu, kernel=kernel, missing=missing)
    return CorePlan(groups=most_telling_first(groups), encodings=encodings, missing=tuple(missing))


def most_telling_first(groups: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Groups ordered so that each next one completes the most formulas together with those before it.

    Where only some groups can be afforded, these are the first; an isolated CPU that runs one group runs the first.
    """
    formulas = [
        core
        for formula in formula_events()
        if (core := frozenset(name for name in formula if EVENTS[name].pmu is Pmu.CORE))
    ]
    left, ordered, chosen = list(groups), list[tuple[str, ...]](), frozenset[str]()
    while left:
        gains = [sum(not core <= chosen and core <= chosen | set(group) for core in formulas) for group in left]
        best = left.pop(gains.index(max(gains)))
        ordered.append(best)
        chosen |= set(best)
    return tuple(ordered)


def granted_counters(encoding: Encoding, *, cpu: int, kernel: Kernel) -> int | None:
    """How many general counters of a core the kernel grants: clouds cap guests below the hardware's eight.

    Args:
        encoding: of ``FITS_ANYWHERE``, of which the largest group of copies is sought.
        cpu: the CPU to ask; its counters are opened and closed again.
        kernel: the system calls.

    Returns:
        ``None`` where not even one opens.
    """
    for counters in range(GENERAL_COUNTERS[Pmu.CORE], 0, -1):
        group = open_group(kernel, [encoding] * counters, cpu=cpu)
        if not isinstance(group, Refusal):
            close_group(kernel, group)
            return counters
    return None


def _encodings(
    wanted: Sequence[str], *, node: PmuNode, cpu: int, kernel: Kernel, missing: list[MissingEvent]
) -> dict[str, Encoding]:
    """Encodings of the events that can be opened on ``cpu``; the others go to ``missing``."""
    encodings = {}
    for name in wanted:
        try:
            event = definition(name)
            encoding = encode(event, node)
            alone = [encode(definition(SLOTS), node), encoding] if event.is_metric else [encoding]
        except EncodingError as error:
            missing.extend(all_missing([name], number=errno.EINVAL, reason=str(error)))
            continue
        group = open_group(kernel, alone, cpu=cpu)
        if isinstance(group, Refusal):
            missing.append(refused(name, group.errno))
            continue
        close_group(kernel, group)
        encodings[name] = encoding
    return encodings


def _accepted(
    definitions: Mapping[str, EventDefinition],
    encodings: Mapping[str, Encoding],
    *,
    cpu: int,
    kernel: Kernel,
    missing: list[MissingEvent],
) -> list[tuple[str, ...]]:
    """Groups that the kernel accepts on ``cpu``; a refused one is split until its parts are accepted."""
    counters = GENERAL_COUNTERS[Pmu.CORE]
    if FITS_ANYWHERE in encodings:
        counters = granted_counters(encodings[FITS_ANYWHERE], cpu=cpu, kernel=kernel) or 1
    accepted: list[tuple[str, ...]] = []
    pending = [(group, counters) for group in plan_groups(list(definitions.values()), counters=counters)]
    while pending:
        names, size = pending.pop(0)
        group = open_group(kernel, [encodings[name] for name in names], cpu=cpu)
        if not isinstance(group, Refusal):
            close_group(kernel, group)
            accepted.append(names)
        elif size > 1:
            parts = plan_groups([definitions[name] for name in names], counters=size // 2)
            pending.extend((part, size // 2) for part in parts)
        else:
            missing.extend(refused(name, group.errno) for name in names)
    return accepted


def _seen_by_planner(event: EventDefinition, *, watchdog: bool) -> EventDefinition:
    if event.name != _FIXED_CYCLES or not watchdog:
        return event
    general = frozenset(range(GENERAL_COUNTERS[Pmu.CORE]))
    return EventDefinition(name=event.name, pmu=event.pmu, fields=event.fields, counters=general)
