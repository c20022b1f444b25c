"""Core events, on every online CPU that may be interrupted."""

import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.clocks import asleep_ns
from agent.encoding import log_disagreements
from agent.errors import EncodingError
from agent.event_table import EventDefinition, definition
from agent.pmu_sysfs import core_pmu
from agent.settings import AgentSettings
from agent.sources.core_plan import CorePlan, cpu_to_ask, plan_core
from agent.sources.counter_groups import CounterGroups, Refusal, Row, open_group
from agent.sources.interruptions import CpuSets, affordable_groups
from agent.sources.kernel import Kernel
from agent.sources.protocol import CounterBlock, MissingEvent, Opened, Reading, ReadingCost
from agent.sources.refusal import FOREIGN_CPU, all_missing, first_reasons, refused, unreadable
from agent.sources.rotation import Rotation
from agent.sources.unread import is_unread
from agent.sysfs import read_text
from agent.topology import Topology
from contracts.events import EVENTS, Pmu
from contracts.nodestate import IsolatedCpuPolicy


class PerfSource:
    """Core PMU events through ``perf_event_open``, grouped so that quotients survive multiplexing.

    Reading another CPU's counters interrupts it. Counters are cumulative, so they are read where a window ends and not
    in between; of groups that would interrupt more often than the settings' ceiling, the least telling are left out.
    Isolated CPUs follow the policy: ``never`` leaves them alone; ``sampled`` runs one group there; ``full`` lets all
    groups take turns, one at a time. So the kernel has nothing to rotate there by a timer.
    """

    name = "perf"

    def __init__(
        self,
        *,
        topology: Topology,
        settings: AgentSettings,
        kernel: Kernel | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Count on a node's cores.

        Args:
            topology: which CPUs there are.
            settings: paces, roots, the policy for isolated CPUs, the ceiling on remote reads.
            kernel: the system calls.
            monotonic_ns: nanoseconds of a clock that never steps, the kernel's own if ``kernel`` is real.
        """
        self._monotonic_ns = monotonic_ns
        self._topology = topology
        self._settings = settings
        self._kernel = kernel or Kernel()
        self._shared = CounterGroups(self._kernel)
        self._isolated = CounterGroups(self._kernel)
        self._rotation = Rotation(self._kernel)
        self._opened_ns = 0
        self._interruptions = 0
        isolated = topology.isolated_cpus
        cpus = [cpu for domain in topology.domains for cpu in domain.cpus]
        self._cpus = CpuSets(
            shared=sum(cpu not in isolated for cpu in cpus),
            isolated=sum(cpu in isolated for cpu in cpus),
            policy=settings.isolated_cpus,
        )

    @property
    def figures(self) -> ReadingCost:
        """What it costs."""
        return ReadingCost(
            groups=len(self._shared) + len(self._isolated),
            descriptors=self._shared.descriptors + self._isolated.descriptors,
            interruptions=self._interruptions,
        )

    def open(self, events: frozenset[str]) -> Opened:
        """Open the core events among ``events``; each is first tried alone, so that its own errno is known.

        On a CPU other than Sapphire Rapids everything is tried and nothing kept: the numbers mean other events there.
        """
        self.close()
        wanted = sorted(name for name in events if EVENTS[name].pmu is Pmu.CORE)
        if not wanted:
            return Opened()
        cpu = cpu_to_ask(self._topology, self._settings.isolated_cpus)
        if cpu is None:
            return Opened(missing=_nothing_to_interrupt(wanted))
        try:
            node = core_pmu(self._settings.roots.sys)
        except OSError as error:
            return Opened(missing=unreadable(wanted, error))
        log_disagreements(_known(wanted), node)
        watchdog = _is_set(self._settings.roots.proc / "sys/kernel/nmi_watchdog")
        plan = plan_core(wanted, node=node, cpu=cpu, kernel=self._kernel, watchdog=watchdog)
        missing = list(plan.missing)
        if not self._topology.characterised:
            missing.extend(all_missing(plan.encodings, number=errno.EOPNOTSUPP, reason=FOREIGN_CPU))
            return Opened(missing=first_reasons(missing, opened=frozenset()))
        kept = self._affordable(len(plan.groups))
        for index, names in enumerate(plan.groups[:kept]):
            self._open_everywhere(names, plan, is_first=index == 0, missing=missing)
        missing.extend(self._too_dear(plan.groups[kept:]))
        missing.extend(_left_alone(plan.groups[1:kept]))
        self._opened_ns = self._monotonic_ns()
        opened = self._shared.events | self._isolated.events
        return Opened(events=opened, missing=first_reasons(missing, opened=opened))

    def read(self, *, ends_window: bool = True) -> Reading:
        """All open groups where a window ends; in between, groups of isolated CPUs take turns and nothing is read."""
        wall_ns, monotonic_ns, slept_ns = time.time_ns(), self._monotonic_ns(), asleep_ns()
        if not ends_window:
            self._interruptions += self._rotation.turn()
            return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, asleep_ns=slept_ns)
        shared = self._shared.read() if self._shared else ()
        isolated = self._isolated.read() if self._isolated else ()
        self._interruptions += len(self._shared) + len(self._isolated)
        if self._rotation.is_turning:
            isolated = tuple(_enabled_since(self._opened_ns, block, now_ns=monotonic_ns) for block in isolated)
        return Reading(wall_ns=wall_ns, monotonic_ns=monotonic_ns, asleep_ns=slept_ns, blocks=shared + isolated)

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        self._rotation.clear()
        self._shared.close()
        self._isolated.close()

    def _affordable(self, groups: int) -> int:
        settings = self._settings
        return affordable_groups(
            groups,
            ceiling_a_second=settings.remote_reads_per_second,
            cpus=self._cpus,
            period_seconds=settings.sampling_period_seconds,
            window_seconds=settings.window_seconds,
        )

    def _too_dear(self, groups: Sequence[tuple[str, ...]]) -> tuple[MissingEvent, ...]:
        ceiling = self._settings.remote_reads_per_second
        reason = f"left out to read other CPUs {ceiling:g} times a second at most: raise remote_reads_per_second"
        return all_missing([name for names in groups for name in names], number=errno.EDQUOT, reason=reason)

    def _open_everywhere(
        self, names: tuple[str, ...], plan: CorePlan, *, is_first: bool, missing: list[MissingEvent]
    ) -> None:
        encodings = [plan.encodings[name] for name in names]
        on_isolated = is_first or self._settings.isolated_cpus is IsolatedCpuPolicy.FULL
        for domain in self._topology.domains:
            for cpu in domain.cpus:
                is_isolated = cpu in self._topology.isolated_cpus
                if is_isolated and (self._settings.isolated_cpus is IsolatedCpuPolicy.NEVER or not on_isolated):
                    continue
                group = open_group(self._kernel, encodings, cpu=cpu, start=is_first or not is_isolated)
                if isinstance(group, Refusal):
                    missing.extend(refused(name, group.errno) for name in names)
                    continue
                groups = self._isolated if is_isolated else self._shared
                row = Row(instance=f"cpu{cpu}", domain=domain.name)
                groups.add(Pmu.CORE, names, descriptors=group, rows=(row,))
                if is_isolated:
                    self._rotation.add(cpu, leader=group[0])


def _enabled_since(opened_ns: int, block: CounterBlock, *, now_ns: int) -> CounterBlock:
    """The block of groups that take turns, enabled since they were opened.

    For the kernel a stopped group is not enabled, so that its counts would pass for those of a shorter time. Rows that
    were not read stay marked.
    """
    waited_ns = np.maximum(block.enabled_ns, np.uint64(now_ns - opened_ns))
    unread = is_unread(enabled_ns=block.enabled_ns, running_ns=block.running_ns)
    return replace(block, enabled_ns=np.where(unread, block.enabled_ns, waited_ns))


def _known(wanted: Sequence[str]) -> list[EventDefinition]:
    known = []
    for name in wanted:
        try:
            known.append(definition(name))
        except EncodingError:  # said by the plan, with its reason
            continue
    return known


def _left_alone(groups: Sequence[tuple[str, ...]]) -> tuple[MissingEvent, ...]:
    """Why groups are on no CPU at all, should they be: where all CPUs are isolated, one group runs on each."""
    reason = "every CPU is isolated and runs one group under policy sampled: set spec.isolatedCpus to full"
    return all_missing([name for names in groups for name in names], number=errno.ENODEV, reason=reason)


def _nothing_to_interrupt(wanted: Sequence[str]) -> tuple[MissingEvent, ...]:
    return all_missing(
        wanted,
        number=errno.ENODEV,
        reason="every CPU is isolated and the policy for isolated CPUs is never: set spec.isolatedCpus to sampled",
    )


def _is_set(path: Path) -> bool:
    try:
        return read_text(path) == "1"
    except OSError:
        return False
