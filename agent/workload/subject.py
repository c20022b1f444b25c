"""The pod that is measured, and where on the node that is done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.cgroup_tree import perf_hierarchy
from agent.errors import AgentError
from agent.pod_cgroups import PodCgroup, PodCgroups
from agent.pods import exclusive_cpus
from agent.settings import AgentSettings
from agent.topology import Domain, Topology
from contracts.nodestate import IsolatedCpuPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A pod as it is measured.

    Attributes:
        uid: of the pod.
        directory: of its cgroup, in the hierarchy of cpusets.
        version: of that hierarchy.
        perf_directory: of its cgroup in the hierarchy that perf counts by; ``None`` where there is no such hierarchy.
        topology: the domains it lives in, with those of their CPUs that are counted.
        spared: isolated CPUs of the pod that the policy leaves alone.
        bystander: a CPU that may be interrupted and is none of the pod's, where all that are counted are isolated.
    """

    uid: str
    directory: Path
    version: int
    perf_directory: Path | None
    topology: Topology
    spared: tuple[int, ...] = ()
    bystander: int | None = None

    @property
    def cpus(self) -> tuple[int, ...]:
        """The CPUs that are counted, ascending."""
        return tuple(sorted(cpu for domain in self.topology.domains for cpu in domain.cpus))


def subject_of(settings: AgentSettings, uid: str, topology: Topology) -> Subject:
    """Find a pod, and the CPUs to count it on: those that it holds exclusively, else all where it may run.

    A sidecar in the shared pool of a pod with CPUs of its own is not counted: it would take counters on every CPU, and
    is not what the pod is placed for.

    Args:
        settings: roots, and the policy for isolated CPUs.
        uid: as the kubelet knows it, which for a static pod is its ``kubernetes.io/config.hash``.
        topology: the whole node.

    Raises:
        AgentError: no such pod runs here, none of its CPUs is online, or the cgroups can't be read.
    """
    cgroups = PodCgroups(settings.roots.cgroup)
    hierarchy = cgroups.hierarchy
    try:
        pods = cgroups.read()
    except OSError as error:
        raise AgentError(f"cgroup {error.filename} can't be read: {error.strerror}; run this as root") from error
    if hierarchy is None or pods is None:
        raise AgentError(f"no kubelet's cgroups lie below {settings.roots.cgroup}: name the host's mount by --cgroup")
    pod = _named(pods, uid)
    cpus = (exclusive_cpus(pods) or {}).get(uid, pod.cpus)
    places = [replace(domain, cpus=own) for domain in topology.domains if (own := _of(domain, cpus))]
    if not places:
        raise AgentError(f"pod {uid} runs on no CPU that is online here: is it being moved? Try again")
    spared = _spared(places, topology, settings.isolated_cpus)
    counted = replace(
        topology,
        domains=tuple(replace(place, cpus=tuple(cpu for cpu in place.cpus if cpu not in spared)) for place in places),
    )
    perf = perf_hierarchy(settings.roots.cgroup)
    return Subject(
        uid=uid,
        directory=pod.directory,
        version=hierarchy.version,
        perf_directory=None if perf is None else perf.path / pod.directory.relative_to(hierarchy.path),
        topology=counted,
        spared=tuple(sorted(spared)),
        bystander=_bystander(counted, topology),
    )


def _named(pods: Sequence[PodCgroup], uid: str) -> PodCgroup:
    for pod in pods:
        if pod.uid == uid:
            return pod
    raise AgentError(
        f"no pod {uid[:64]!r} among the {len(pods)} of this node: give the UID that kubectl get pod -o "
        "jsonpath='{.metadata.uid}' tells, for a static pod its annotation kubernetes.io/config.hash"
    )


def _of(domain: Domain, cpus: frozenset[int]) -> tuple[int, ...]:
    return tuple(cpu for cpu in domain.cpus if cpu in cpus)


def _spared(places: Sequence[Domain], topology: Topology, policy: IsolatedCpuPolicy) -> frozenset[int]:
    if policy is not IsolatedCpuPolicy.NEVER:
        return frozenset()
    return topology.isolated_cpus.intersection(cpu for place in places for cpu in place.cpus)


def _bystander(counted: Topology, node: Topology) -> int | None:
    """Trying what the PMU offers interrupts the CPU that is asked some hundred times: let it be another one."""
    own = {cpu for domain in counted.domains for cpu in domain.cpus}
    if not own or not own <= node.isolated_cpus:
        return None
    others = (cpu for domain in node.domains for cpu in domain.cpus if cpu not in node.isolated_cpus)
    return next(others, None)
