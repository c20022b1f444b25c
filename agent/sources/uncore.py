"""Uncore events: the boxes of CHA, IMC, UPI and IIO that sysfs lists, each read from its package's own CPU."""

import errno
import time
from collections.abc import Sequence

from agent.encoding import Encoding, PmuNode, encode, uncore_boxes
from agent.errors import EncodingError
from agent.event_table import definition
from agent.settings import AgentSettings
from agent.sources.counter_groups import CounterGroups, Refusal, Row, close_group, open_group
from agent.sources.groups import GENERAL_COUNTERS, plan_groups
from agent.sources.kernel import Kernel
from agent.sources.protocol import MissingEvent, Opened, Reading
from agent.sources.refusal import FOREIGN_CPU, all_missing, first_reasons, refused, unreadable
from agent.topology import Domain, Topology
from contracts.events import EVENTS, Pmu

_PMUS = (Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO)
_NO_CPU = "no box names a CPU that is online here: bring its package's first CPU back and restart the agent"


class UncoreSource:
    """Events of the boxes beside the cores, one group a box and event set.

    A box belongs to a socket. Where a socket has several domains (sub-NUMA clusters) each of them gets the box's
    counts: quotients then describe the whole socket. IIO is left missing there, since its bytes are set against a
    ceiling that belongs to one cluster. IIO counts are absolute, so a socket of which one box refuses counts none.
    """

    name = "uncore"

    def __init__(self, *, topology: Topology, settings: AgentSettings, kernel: Kernel | None = None) -> None:
        self._topology = topology
        self._settings = settings
        self._kernel = kernel or Kernel()
        self._groups = CounterGroups(self._kernel)

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

    def read(self) -> Reading:
        """All boxes."""
        wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, blocks=self._groups.read() if self._groups else ())

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        self._groups.close()

    def _open_pmu(self, pmu: Pmu, wanted: Sequence[str]) -> list[MissingEvent]:
        try:
            boxes = uncore_boxes(self._settings.roots.sys, pmu)
        except OSError as error:
            return list(unreadable(wanted, error))
        if not boxes:
            reason = f"sysfs lists no uncore {pmu} box: load intel_uncore, or run on bare metal"
            return list(all_missing(wanted, number=errno.ENOENT, reason=reason))
        if not self._topology.characterised:
            return list(all_missing(wanted, number=errno.EOPNOTSUPP, reason=FOREIGN_CPU))
        if pmu is Pmu.IIO and self._has_clusters():
            reason = "IIO boxes serve a whole socket and can't be split: switch sub-NUMA clustering off to see them"
            return list(all_missing(wanted, number=errno.EOPNOTSUPP, reason=reason))
        missing: list[MissingEvent] = []
        sayable = _sayable(wanted, boxes, missing=missing)
        planned = plan_groups([definition(name) for name in sayable], counters=GENERAL_COUNTERS[pmu])
        for group in (part for names in planned for part in self._workable(names, boxes[0])):
            for socket, domains in self._sockets().items():
                self._open_socket(pmu, group, boxes=boxes, socket=socket, domains=domains, missing=missing)
        missing.extend(all_missing(sayable, number=errno.ENODEV, reason=_NO_CPU))
        return missing

    def _workable(self, names: tuple[str, ...], box: PmuNode) -> tuple[tuple[str, ...], ...]:
        """The group, or each event alone where the kernel knows constraints that forbid them together."""
        cpus = self._cpus_of(box, self._topology.domains)
        if len(names) == 1 or not cpus:
            return (names,)
        group = open_group(self._kernel, _encodings(names, box), cpu=cpus[0])
        if isinstance(group, Refusal):
            return tuple((name,) for name in names) if group.errno == errno.EINVAL else (names,)
        close_group(self._kernel, group)
        return (names,)

    def _open_socket(
        self,
        pmu: Pmu,
        names: tuple[str, ...],
        *,
        boxes: Sequence[PmuNode],
        socket: int,
        domains: Sequence[Domain],
        missing: list[MissingEvent],
    ) -> None:
        opened: list[tuple[tuple[int, ...], tuple[Row, ...]]] = []
        refusals: list[MissingEvent] = []
        for box in boxes:
            for cpu in self._cpus_of(box, domains):
                group = open_group(self._kernel, _encodings(names, box), cpu=cpu)
                if isinstance(group, Refusal):
                    refusals.extend(refused(name, group.errno) for name in names)
                else:
                    opened.append((group, _rows(box, socket=socket, domains=domains)))
        missing.extend(refusals)
        if pmu is Pmu.IIO and refusals:
            for group, _ in opened:
                close_group(self._kernel, group)
            return
        for group, rows in opened:
            self._groups.add(pmu, names, descriptors=group, rows=rows)

    def _sockets(self) -> dict[int, list[Domain]]:
        sockets: dict[int, list[Domain]] = {}
        for domain in self._topology.domains:
            sockets.setdefault(domain.socket, []).append(domain)
        return sockets

    def _has_clusters(self) -> bool:
        return any(len(domains) > 1 for domains in self._sockets().values())

    @staticmethod
    def _cpus_of(box: PmuNode, domains: Sequence[Domain]) -> tuple[int, ...]:
        own = {cpu for domain in domains for cpu in domain.cpus}
        return tuple(cpu for cpu in box.cpus if cpu in own)


def _sayable(wanted: Sequence[str], boxes: Sequence[PmuNode], *, missing: list[MissingEvent]) -> list[str]:
    """Events that the formats of all boxes can express; the others go to ``missing``."""
    sayable = []
    for name in wanted:
        try:
            for box in boxes:
                encode(definition(name), box)
        except EncodingError as error:
            missing.extend(all_missing([name], number=errno.EINVAL, reason=str(error)))
        else:
            sayable.append(name)
    return sayable


def _encodings(names: Sequence[str], box: PmuNode) -> list[Encoding]:
    return [encode(definition(name), box) for name in names]


def _rows(box: PmuNode, *, socket: int, domains: Sequence[Domain]) -> tuple[Row, ...]:
    if len(domains) == 1:
        return (Row(instance=f"{box.name}@socket{socket}", domain=domains[0].name),)
    return tuple(Row(instance=f"{box.name}@{domain.name}", domain=domain.name) for domain in domains)
