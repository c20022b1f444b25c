"""A pod's core events and software events: perf in cgroup mode, on the CPUs where the pod is counted.

What it costs the node: a context switch into or out of the pod's cgroup, 3.0 us bare, takes 5.6 to 6.4 us with eight
events a CPU and 10.3 us with 32 (measured, two-core virtual machine). A CPU that never switches pays for opening and
reading alone. So the number of counters has a ceiling: a pod with CPUs of its own stays far below it, one in the shared
pool of a large node does not.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import replace

from agent.settings import AgentSettings
from agent.sources.kernel import Kernel
from agent.sources.perf import PerfSource
from agent.sources.protocol import Opened, Reading
from agent.sources.refusal import all_missing
from agent.sources.software import SOFTWARE_EVENTS, SoftwareCounters, SoftwareWindow
from agent.topology import Domain, Topology
from agent.workload.cgroup_kernel import CgroupKernel
from agent.workload.moment import moment
from agent.workload.subject import Subject
from contracts.events import EVENTS, Pmu

MOST_COUNTERS = 4096
"""Open at once unless somebody says otherwise: some hundred CPUs with all events."""

_BYSTANDERS = "bystanders"
_SPARED = "its CPUs are isolated, and counting interrupts them: allow it by --isolated-cpus sampled"
_NO_HIERARCHY = "no cgroup hierarchy for perf is mounted: mount cgroup2, or version 1 with perf_event"


class PodCoreSource:
    """Core events of one pod, and its software events on the same descriptor."""

    name = "perf"

    def __init__(
        self,
        subject: Subject,
        *,
        settings: AgentSettings,
        most_counters: int = MOST_COUNTERS,
        kernel_of: Callable[[int], Kernel] = CgroupKernel,
    ) -> None:
        """Nothing is open yet.

        Args:
            subject: the pod.
            settings: roots, the policy for isolated CPUs, and as window the time that is measured.
            most_counters: ceiling on open counters.
            kernel_of: the system calls for a cgroup's descriptor.
        """
        self._subject = subject
        self._settings = settings
        self._most_counters = most_counters
        self._kernel_of = kernel_of
        self._descriptor: int | None = None
        self._core: PerfSource | None = None
        self._software: SoftwareCounters | None = None

    def open(self, events: frozenset[str]) -> Opened:
        """Open the core events among ``events``, and software events."""
        self.close()
        wanted = sorted(name for name in events if EVENTS[name].pmu is Pmu.CORE)
        refusal = self._refusal(len(wanted))
        if refusal is not None:
            number, reason = refusal
            return Opened(missing=all_missing(wanted, number=number, reason=reason))
        assert self._descriptor is not None
        kernel = self._kernel_of(self._descriptor)
        self._core = PerfSource(topology=self._asked_topology(), settings=self._settings, kernel=kernel)
        self._software = SoftwareCounters(topology=self._subject.topology, kernel=kernel)
        self._software.open()
        return self._core.open(events)

    def read(self, *, ends_window: bool = True) -> Reading:
        """The core events."""
        if self._core is None:
            return moment()
        return self._core.read(ends_window=ends_window)

    @property
    def software(self) -> SoftwareWindow:
        """Software events since opening."""
        return SoftwareWindow(counts={}, cpus=0) if self._software is None else self._software.window()

    def close(self) -> None:
        """Close every descriptor; a second call does nothing."""
        if self._core is not None:
            self._core.close()
        if self._software is not None:
            self._software.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._core = self._software = self._descriptor = None

    def _refusal(self, wanted: int) -> tuple[int, str] | None:
        """Why nothing is counted, as errno and sentence; else the cgroup is open."""
        cpus, directory = len(self._subject.cpus), self._subject.perf_directory
        counters = cpus * (wanted + len(SOFTWARE_EVENTS))
        if cpus == 0:
            return errno.EPERM, _SPARED
        if counters > self._most_counters:
            return errno.EMFILE, (
                f"{cpus} CPUs would take {counters} counters, above the ceiling of {self._most_counters}: pin the pod, "
                "or raise --most-counters"
            )
        if directory is None:
            return errno.ENOENT, _NO_HIERARCHY
        try:
            self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            return (
                error.errno or errno.EIO,
                "the pod has no cgroup where perf counts by it: mount cgroup2 or perf_event",
            )
        return None

    def _asked_topology(self) -> Topology:
        """The pod's CPUs, and beside them the bystander, which is asked what the PMU offers and counts nothing."""
        topology, bystander = self._subject.topology, self._subject.bystander
        if bystander is None:
            return topology
        return replace(topology, domains=(*topology.domains, Domain(name=_BYSTANDERS, socket=-1, cpus=(bystander,))))
