"""One pod over one window: what it does, by itself, as a vector for each domain it lives in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from agent.clocks import WindowTimes
from agent.coverage import coverage_of
from agent.descriptors import raise_descriptor_limit
from agent.errors import AgentError
from agent.readings import ends_of, merge
from agent.sampling import steady_beats
from agent.settings import AgentSettings
from agent.sources.kernel import Kernel
from agent.sources.opening import opened
from agent.sources.protocol import CounterSource, Reading
from agent.sources.software import SoftwareWindow
from agent.topology_sysfs import read_topology
from agent.troubles import Troubles
from agent.window import vectors_between
from agent.workload.cgroup_kernel import CgroupKernel
from agent.workload.core import MOST_COUNTERS, PodCoreSource
from agent.workload.monitoring import PodMonitoringSource
from agent.workload.monitoring_group import Directories
from agent.workload.subject import subject_of
from agent.workload.unattributable import unattributable
from contracts.nodestate import Coverage
from contracts.vector import FeatureVector

LONGEST_SECONDS = 600.0
SETTLING_SECONDS = 2.0
"""Before the window, where a monitoring group was made: its occupancy begins near zero, and an id (RMID) that was never
used has no bandwidth yet."""

_NO_CEILING = 1e6
"""A pod's counters are read twice in all, which is no rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodWindow:
    """What one pod showed.

    Attributes:
        uid, node: the pod's and its node's.
        cpus: those on which it was counted, ascending; none where it was not.
        spared: isolated CPUs of it that were left alone.
        vectors: one a domain that it lives in; what can't be told of a pod alone is missing in it.
        coverage: what could be counted, and why not the rest.
        software: its software events.
    """

    uid: str
    node: str
    cpus: tuple[int, ...]
    spared: tuple[int, ...]
    vectors: tuple[FeatureVector, ...]
    coverage: Coverage
    software: SoftwareWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """Who is asked: the system calls, given a cgroup's descriptor, and resctrl's directories."""

    counting: Callable[[int], Kernel] = CgroupKernel
    directories: Directories = field(default_factory=Directories)


def pod_window(
    settings: AgentSettings,
    uid: str,
    *,
    seconds: float,
    stop: Event,
    most_counters: int = MOST_COUNTERS,
    settling_seconds: float = SETTLING_SECONDS,
    kernels: Kernels | None = None,
) -> PodWindow:
    """Measure a pod, and leave nothing behind.

    Args:
        settings: roots, node name, and the policy for isolated CPUs: ``never`` leaves them alone.
        uid: the pod's.
        seconds: how long, above zero and at most ``LONGEST_SECONDS``.
        stop: ends it at once.
        most_counters: ceiling on open counters.
        settling_seconds: between making a monitoring group and the window.
        kernels: who is asked.

    Raises:
        AgentError: there is no such pod, it ended or changed meanwhile, ``stop`` was set, the time is out of range, or
            the kernel's trees can't be read.
    """
    if not 0.0 < seconds <= LONGEST_SECONDS:
        raise AgentError(f"a pod is measured for more than 0 and at most {LONGEST_SECONDS:g} s, not for {seconds:g}")
    raise_descriptor_limit()
    kernels = kernels or Kernels()
    settings = replace(
        settings,
        window_seconds=seconds,
        sampling_period_seconds=min(settings.sampling_period_seconds, seconds),
        remote_reads_per_second=_NO_CEILING,
    )
    topology = read_topology(settings.roots)
    subject = subject_of(settings, uid, topology)
    core = PodCoreSource(subject, settings=settings, most_counters=most_counters, kernel_of=kernels.counting)
    monitoring = PodMonitoringSource(subject, topology=topology, settings=settings, directories=kernels.directories)
    with opened((core, monitoring)) as answers:
        if monitoring.is_open and stop.wait(settling_seconds):
            raise _stopped(uid)
        first, last = _window((core, monitoring), settings=settings, stop=stop, uid=uid)
        software = core.software
    if not subject.directory.is_dir():
        raise AgentError(f"pod {uid} ended while it was measured: nothing is told of it")
    return PodWindow(
        uid=uid,
        node=settings.node,
        cpus=subject.cpus,
        spared=subject.spared,
        vectors=vectors_between(
            first,
            last,
            node=settings.node,
            topology=subject.topology,
            minimum_running_share=settings.minimum_running_share,
        ),
        coverage=coverage_of((*answers, unattributable())),
        software=software,
    )


def _window(
    sources: Sequence[CounterSource], *, settings: AgentSettings, stop: Event, uid: str
) -> tuple[Reading, Reading]:
    """Its two ends; in between gauges are read, and new threads followed."""
    seconds = settings.window_seconds
    samples = [merge([source.read() for source in sources])]
    for ends_window in steady_beats(
        period_seconds=settings.sampling_period_seconds,
        window_seconds=seconds,
        first_window_seconds=seconds,
        stop=stop,
    ):
        samples.append(merge([source.read(ends_window=ends_window) for source in sources]))
        if ends_window:
            break
    else:
        raise _stopped(uid)
    first, last = ends_of(samples)
    placed = WindowTimes(window_seconds=seconds, troubles=Troubles()).place(first, last)
    if placed is None:
        raise AgentError(f"the machine slept or stood still while pod {uid} was measured: measure again")
    return first, placed


def _stopped(uid: str) -> AgentError:
    return AgentError(f"stopped before the window of pod {uid} had ended: nothing is told of it")
