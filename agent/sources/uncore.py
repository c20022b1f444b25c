"""Uncore events: the boxes of CHA, IMC, UPI and IIO that sysfs lists, each read from its package's own CPU."""

import errno
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent import log
from agent.clocks import asleep_ns
from agent.encoding import Encoding, encode, log_disagreements
from agent.errors import EncodingError
from agent.event_table import EventDefinition, definition
from agent.pmu_sysfs import PmuNode, UnreadableBox, has_hbm_boxes, read_boxes
from agent.settings import AgentSettings
from agent.sources.counter_groups import CounterGroups, Refusal, Row, close_group, open_group
from agent.sources.dram_clock import DRAM_CLOCK, dram_clock
from agent.sources.groups import GENERAL_COUNTERS, plan_groups
from agent.sources.kernel import Kernel
from agent.sources.protocol import MissingEvent, Opened, Reading, ReadingCost
from agent.sources.refusal import FOREIGN_CPU, LEFT_ALONE, all_missing, first_reasons, refused, symbol, unreadable
from agent.topology import Domain, Topology
from contracts.events import EVENTS, Pmu

_PMUS = (Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO)
_NO_CPU = "no box names a CPU that is online here: bring its package's first CPU back and restart the agent"
_HBM_ALONE = "this node's memory is HBM, whose channels count other events: resctrl's bandwidth stands in where it is"
_CLUSTERS = "IIO boxes serve a whole socket and can't be split: switch sub-NUMA clustering off to see them"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """A box and what its formats can say."""

    node: PmuNode
    encodings: Mapping[str, Encoding]

    def can_say(self, names: Iterable[str]) -> bool:
        return all(name in self.encodings for name in names)


class UncoreSource:
    """Events of the boxes beside the cores, one group a box and event set.

    A box belongs to a socket. Where a socket has several domains (sub-NUMA clusters) each of them gets the box's
    counts: quotients then describe the whole socket. IIO is left missing there, since its bytes are set against a
    ceiling that belongs to one cluster. IIO counts are absolute, so a socket of which one box refuses counts none.

    A package's boxes are read from its CPUs that are not isolated, where that interrupts nobody. Where all its CPUs are
    isolated each read interrupts one of them, so under policy ``never`` its boxes stay closed.
    """

    name = "uncore"

    def __init__(self, *, topology: Topology, settings: AgentSettings, kernel: Kernel | None = None) -> None:
        self._topology = topology
        self._settings = settings
        self._kernel = kernel or Kernel()
        self._groups = CounterGroups(self._kernel)
        self._interruptions = 0

    @property
    def figures(self) -> ReadingCost:
        """What it costs."""
        return ReadingCost(
            groups=len(self._groups), descriptors=self._groups.descriptors, interruptions=self._interruptions
        )

    def open(self, events: frozenset[str]) -> Opened:
        """Open the uncore events among ``events``."""
        self.close()
        missing: list[MissingEvent] = []
        for pmu in _PMUS:
            wanted = sorted(name for name in events if EVENTS[name].pmu is pmu)
            if wanted:
                missing.extend(self._open_pmu(pmu, wanted))
        opened = self._groups.events
        return Opened(events=opened, missing=first_reasons(missing, opened=opened))

    def read(self, *, ends_window: bool = True) -> Reading:
        """All boxes; none where no window ends, since counts are cumulative."""
        wall_ns, monotonic_ns, slept_ns = time.time_ns(), time.monotonic_ns(), asleep_ns()
        blocks = self._groups.read() if self._groups and ends_window else ()
        self._interruptions += self._groups.without_place if blocks else 0
        return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, asleep_ns=slept_ns, blocks=blocks)

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        self._groups.close()

    def _open_pmu(self, pmu: Pmu, wanted: Sequence[str]) -> list[MissingEvent]:
        try:
            boxes = read_boxes(self._settings.roots.sys, pmu)
        except OSError as error:
            return list(unreadable(wanted, error))
        if not boxes.readable and not boxes.unreadable:
            return list(all_missing(wanted, number=errno.ENOENT, reason=self._why_no_box(pmu)))
        if not self._topology.characterised:
            return list(all_missing(wanted, number=errno.EOPNOTSUPP, reason=FOREIGN_CPU))
        if pmu is Pmu.IIO and self._has_clusters():
            return list(all_missing(wanted, number=errno.EOPNOTSUPP, reason=_CLUSTERS))
        if boxes.unreadable:
            _log_left_out(pmu, boxes.unreadable)
            if not boxes.readable or pmu is Pmu.IIO:
                first = boxes.unreadable[0]
                return list(all_missing(wanted, number=first.errno, reason=first.reason))
        return self._open_boxes(pmu, wanted, boxes.readable)

    def _open_boxes(self, pmu: Pmu, wanted: Sequence[str], nodes: Sequence[PmuNode]) -> list[MissingEvent]:
        missing: list[MissingEvent] = []
        definitions = _definitions(wanted, missing=missing)
        log_disagreements(definitions.values(), nodes[0])
        if DRAM_CLOCK in definitions and (cpu := self._first_cpu(nodes[0])) is not None:
            definitions[DRAM_CLOCK] = dram_clock(definitions[DRAM_CLOCK], nodes[0], cpu=cpu, kernel=self._kernel)
        boxes = [_encoded(node, definitions, missing=missing) for node in nodes]
        sayable = [name for name in definitions if any(box.can_say([name]) for box in boxes)]
        planned = plan_groups([definitions[name] for name in sayable], counters=GENERAL_COUNTERS[pmu])
        left_alone = self._topology.left_alone(self._settings.isolated_cpus)
        for group in (part for names in planned for part in self._workable(names, boxes)):
            for socket, domains in self._sockets().items():
                if domains[0] in left_alone:
                    missing.extend(all_missing(group, number=errno.ENODEV, reason=LEFT_ALONE))
                    continue
                self._open_socket(pmu, group, boxes=boxes, socket=socket, domains=domains, missing=missing)
        missing.extend(all_missing(sayable, number=errno.ENODEV, reason=_NO_CPU))
        return missing

    def _why_no_box(self, pmu: Pmu) -> str:
        if pmu is Pmu.IMC and has_hbm_boxes(self._settings.roots.sys):
            return _HBM_ALONE
        return f"sysfs lists no uncore {pmu} box: load intel_uncore, or run on bare metal"

    def _workable(self, names: tuple[str, ...], boxes: Sequence[_Box]) -> tuple[tuple[str, ...], ...]:
        """The group, or each event alone where the kernel knows constraints that forbid them together."""
        box = next((box for box in boxes if box.can_say(names)), None)
        cpu = self._first_cpu(box.node) if box else None
        if len(names) == 1 or box is None or cpu is None:
            return (names,) if box else tuple((name,) for name in names)
        group = open_group(self._kernel, [box.encodings[name] for name in names], cpu=cpu)
        if isinstance(group, Refusal):
            return tuple((name,) for name in names) if group.errno == errno.EINVAL else (names,)
        close_group(self._kernel, group)
        return (names,)

    def _open_socket(
        self,
        pmu: Pmu,
        names: tuple[str, ...],
        *,
        boxes: Sequence[_Box],
        socket: int,
        domains: Sequence[Domain],
        missing: list[MissingEvent],
    ) -> None:
        opened: list[tuple[tuple[int, ...], tuple[Row, ...]]] = []
        is_whole = True
        for box in boxes:
            cpu = _own_cpu(box.node, domains)
            if cpu is None:
                continue
            if not box.can_say(names):
                is_whole = False
                continue
            group = open_group(self._kernel, [box.encodings[name] for name in names], cpu=cpu)
            if isinstance(group, Refusal):
                missing.extend(refused(name, group.errno) for name in names)
                is_whole = False
            else:
                opened.append((group, _rows(box.node, socket=socket, domains=domains)))
        if pmu is Pmu.IIO and not is_whole:
            for group, _ in opened:
                close_group(self._kernel, group)
            return
        place = self._place(domains)
        for group, rows in opened:
            self._groups.add(pmu, names, descriptors=group, rows=rows, place=place)

    def _place(self, domains: Sequence[Domain]) -> frozenset[int]:
        """CPUs of a socket from which reading its boxes interrupts nobody and disturbs no isolated CPU."""
        return frozenset(cpu for domain in domains for cpu in domain.cpus) - self._topology.isolated_cpus

    def _sockets(self) -> dict[int, list[Domain]]:
        sockets: dict[int, list[Domain]] = {}
        for domain in self._topology.domains:
            sockets.setdefault(domain.socket, []).append(domain)
        return sockets

    def _has_clusters(self) -> bool:
        return any(len(domains) > 1 for domains in self._sockets().values())

    def _first_cpu(self, node: PmuNode) -> int | None:
        return _own_cpu(node, self._topology.domains)


def _own_cpu(node: PmuNode, domains: Sequence[Domain]) -> int | None:
    """The CPU of these domains that counts the box; of several that sysfs names, the first."""
    own = {cpu for domain in domains for cpu in domain.cpus}
    return next((cpu for cpu in node.cpus if cpu in own), None)


def _definitions(wanted: Sequence[str], *, missing: list[MissingEvent]) -> dict[str, EventDefinition]:
    """What the event files say of each; events that they lack go to ``missing``."""
    definitions = {}
    for name in wanted:
        try:
            definitions[name] = definition(name)
        except EncodingError as error:
            missing.extend(all_missing([name], number=errno.EINVAL, reason=str(error)))
    return definitions


def _encoded(node: PmuNode, definitions: Mapping[str, EventDefinition], *, missing: list[MissingEvent]) -> _Box:
    """A box with the encodings that its formats have room for; what it can't say goes to ``missing``."""
    encodings = {}
    for name, event in definitions.items():
        try:
            encodings[name] = encode(event, node)
        except EncodingError as error:
            missing.extend(all_missing([name], number=errno.EINVAL, reason=str(error)))
    return _Box(node=node, encodings=encodings)


def _log_left_out(pmu: Pmu, boxes: Sequence[UnreadableBox]) -> None:
    log.warning(
        "uncore-boxes-left-out",
        pmu=pmu.value,
        boxes=[box.name for box in boxes],
        errno=symbol(boxes[0].errno),
        error=boxes[0].reason,
    )


def _rows(node: PmuNode, *, socket: int, domains: Sequence[Domain]) -> tuple[Row, ...]:
    if len(domains) == 1:
        return (Row(instance=f"{node.name}@socket{socket}", domain=domains[0].name),)
    return tuple(Row(instance=f"{node.name}@{domain.name}", domain=domain.name) for domain in domains)
