"""Core events, on every online CPU that may be interrupted."""

import errno
import time
from collections.abc import Sequence
from pathlib import Path

from agent.encoding import Encoding, PmuNode, core_pmu, encode
from agent.errors import EncodingError
from agent.event_table import SLOTS, EventDefinition, definition
from agent.settings import AgentSettings
from agent.sources.counter_groups import CounterGroups, Refusal, Row, close_group, open_group
from agent.sources.groups import GENERAL_COUNTERS, plan_groups
from agent.sources.kernel import Kernel
from agent.sources.protocol import MissingEvent, Opened, Reading
from agent.sources.refusal import FOREIGN_CPU, all_missing, first_reasons, refused, unreadable
from agent.topology import Topology
from contracts.events import EVENTS, Pmu
from contracts.nodestate import IsolatedCpuPolicy

_FITS_ANYWHERE = "CPU_CLK_UNHALTED.DISTRIBUTED"
"""Counts on every general counter and on no fixed one: copies of it tell how many general counters there are."""
_FIXED_CYCLES = "CPU_CLK_UNHALTED.THREAD"


class PerfSource:
    """Core PMU events through ``perf_event_open``, grouped so that quotients survive multiplexing.

    Reading another CPU's counters interrupts it, so isolated CPUs follow the policy: ``never`` leaves them alone;
    ``sampled`` runs one group there, so that the kernel has nothing to rotate, and reads it once a window; ``full``
    treats them like the others.
    """

    name = "perf"

    def __init__(self, *, topology: Topology, settings: AgentSettings, kernel: Kernel | None = None) -> None:
        self._topology = topology
        self._settings = settings
        self._kernel = kernel or Kernel()
        self._groups = CounterGroups(self._kernel)
        self._isolated_groups = CounterGroups(self._kernel)
        self._isolated_due_ns = 0
        self._isolated_interval_ns = int((settings.window_seconds - settings.sampling_period_seconds / 2) * 1e9)

    def open(self, events: frozenset[str]) -> Opened:
        """Open the core events among ``events``; each is first tried alone, so that its own errno is known.

        On a CPU other than Sapphire Rapids everything is tried and nothing kept: the numbers mean other events there.
        """
        self.close()
        wanted = sorted(name for name in events if EVENTS[name].pmu is Pmu.CORE)
        if not wanted:
            return Opened()
        cpus = self._countable_cpus()
        if not cpus:
            return Opened(missing=_nothing_to_interrupt(wanted))
        try:
            node = core_pmu(self._settings.roots.sys)
        except OSError as error:
            return Opened(missing=unreadable(wanted, error))
        missing: list[MissingEvent] = []
        encodings = self._encodings(wanted, node=node, cpu=cpus[0], missing=missing)
        if not self._topology.characterised:
            missing.extend(all_missing(encodings, number=errno.EOPNOTSUPP, reason=FOREIGN_CPU))
            return Opened(missing=first_reasons(missing, opened=frozenset()))
        for index, group in enumerate(self._workable_groups(encodings, cpu=cpus[0], missing=missing)):
            self._open_everywhere(group, encodings, is_first=index == 0, missing=missing)
        opened = self._groups.events | self._isolated_groups.events
        return Opened(events=opened, missing=first_reasons(missing, opened=opened))

    def read(self) -> Reading:
        """All open groups; isolated CPUs' under policy ``sampled`` once a window."""
        wall_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        blocks = self._groups.read() if self._groups else ()
        if self._isolated_groups and monotonic_ns >= self._isolated_due_ns:
            blocks += self._isolated_groups.read()
            self._isolated_due_ns = monotonic_ns + self._isolated_interval_ns
        return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, blocks=blocks)

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        self._groups.close()
        self._isolated_groups.close()
        self._isolated_due_ns = 0

    def _countable_cpus(self) -> tuple[int, ...]:
        """CPUs to count on, those that no policy spares first."""
        isolated = self._topology.isolated_cpus
        cpus = sorted((cpu in isolated, cpu) for domain in self._topology.domains for cpu in domain.cpus)
        spare = self._settings.isolated_cpus is IsolatedCpuPolicy.NEVER
        return tuple(cpu for is_isolated, cpu in cpus if not (spare and is_isolated))

    def _encodings(
        self, wanted: Sequence[str], *, node: PmuNode, cpu: int, missing: list[MissingEvent]
    ) -> dict[str, Encoding]:
        """Encodings of the events that can be opened on ``cpu``; the others go to ``missing``."""
        encodings = {}
        for name in wanted:
            event = definition(name)
            try:
                encoding = encode(event, node)
                alone = [encode(definition(SLOTS), node), encoding] if event.is_metric else [encoding]
            except EncodingError as error:
                missing.extend(all_missing([name], number=errno.EINVAL, reason=str(error)))
                continue
            group = open_group(self._kernel, alone, cpu=cpu)
            if isinstance(group, Refusal):
                missing.append(refused(name, group.errno))
                continue
            close_group(self._kernel, group)
            encodings[name] = encoding
        return encodings

    def _workable_groups(
        self, encodings: dict[str, Encoding], *, cpu: int, missing: list[MissingEvent]
    ) -> list[tuple[str, ...]]:
        """Groups that the kernel accepts on ``cpu``; a refused one is split until its parts are accepted."""
        counters = self._count_counters(encodings, cpu=cpu)
        definitions = [self._seen_by_planner(definition(name)) for name in encodings]
        workable: list[tuple[str, ...]] = []
        pending = [(group, counters) for group in plan_groups(definitions, counters=counters)]
        while pending:
            names, size = pending.pop(0)
            group = open_group(self._kernel, [encodings[name] for name in names], cpu=cpu)
            if not isinstance(group, Refusal):
                close_group(self._kernel, group)
                workable.append(names)
            elif size > 1:
                parts = [self._seen_by_planner(definition(name)) for name in names]
                pending.extend((part, size // 2) for part in plan_groups(parts, counters=size // 2))
            else:
                missing.extend(refused(name, group.errno) for name in names)
        return workable

    def _count_counters(self, encodings: dict[str, Encoding], *, cpu: int) -> int:
        """How many general counters the kernel grants: clouds cap guests below the hardware's eight."""
        if _FITS_ANYWHERE not in encodings:
            return GENERAL_COUNTERS[Pmu.CORE]
        for counters in range(GENERAL_COUNTERS[Pmu.CORE], 1, -1):
            group = open_group(self._kernel, [encodings[_FITS_ANYWHERE]] * counters, cpu=cpu)
            if not isinstance(group, Refusal):
                close_group(self._kernel, group)
                return counters
        return 1

    def _seen_by_planner(self, event: EventDefinition) -> EventDefinition:
        """The NMI watchdog keeps the fixed cycle counter for itself: cycles then take a general one."""
        if event.name != _FIXED_CYCLES or not _is_set(self._settings.roots.proc / "sys/kernel/nmi_watchdog"):
            return event
        general = frozenset(range(GENERAL_COUNTERS[Pmu.CORE]))
        return EventDefinition(name=event.name, pmu=event.pmu, fields=event.fields, counters=general)

    def _open_everywhere(
        self, names: tuple[str, ...], encodings: dict[str, Encoding], *, is_first: bool, missing: list[MissingEvent]
    ) -> None:
        is_sampled = self._settings.isolated_cpus is IsolatedCpuPolicy.SAMPLED
        countable = frozenset(self._countable_cpus())
        for domain in self._topology.domains:
            for cpu in domain.cpus:
                spared = is_sampled and cpu in self._topology.isolated_cpus
                if cpu not in countable or (spared and not is_first):
                    continue
                group = open_group(self._kernel, [encodings[name] for name in names], cpu=cpu)
                if isinstance(group, Refusal):
                    missing.extend(refused(name, group.errno) for name in names)
                    continue
                groups = self._isolated_groups if spared else self._groups
                row = Row(instance=f"cpu{cpu}", domain=domain.name)
                groups.add(Pmu.CORE, names, descriptors=group, rows=(row,))


def _nothing_to_interrupt(wanted: Sequence[str]) -> tuple[MissingEvent, ...]:
    return all_missing(
        wanted,
        number=errno.ENODEV,
        reason="every CPU is isolated and the policy for isolated CPUs is never: set spec.isolatedCpus to sampled",
    )


def _is_set(path: Path) -> bool:
    try:
        return path.read_text().strip() == "1"
    except OSError:
        return False
