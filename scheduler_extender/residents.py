"""Who lives on a node, and in which of its domains."""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler_extender.pod import Pod
from scheduler_extender.telemetry import DomainTelemetry, NodeTelemetry
from scheduler_extender.topology import TopologyPolicy, landing_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The residents of one domain.

    Attributes:
        pods: who lives there, or may.
        unmeasured: UIDs of those whose start no window of the domain has seen whole yet.
    """

    pods: tuple[Pod, ...]
    unmeasured: frozenset[str]


def households(telemetry: NodeTelemetry, pods: Iterable[Pod], topology: TopologyPolicy) -> tuple[Household, ...]:
    """The residents of each domain, in the domains' order.

    A pod lives where the NodeState says that its CPUs are. One that the NodeState does not name lives in every domain:
    it runs in the shared pool, or its place is not known yet. A pod that started after the last window, and wants CPUs
    for itself, can only be where these were free then.

    Args:
        telemetry: the node's.
        pods: its residents.
        topology: how its kubelet chooses domains.
    """
    domains = telemetry.domains
    members: list[list[Pod]] = [[] for _ in domains]
    for pod in pods:
        places = [index for index, domain in enumerate(domains) if pod.node_uid in domain.pods]
        for index in places or _possible_places(telemetry, pod, topology):
            members[index].append(pod)
    return tuple(
        Household(
            pods=tuple(members[index]),
            unmeasured=frozenset(pod.uid for pod in members[index] if not _is_measured(pod, domain)),
        )
        for index, domain in enumerate(domains)
    )


def _possible_places(telemetry: NodeTelemetry, pod: Pod, topology: TopologyPolicy) -> list[int]:
    """Free CPUs count a pod's own as taken once it has started, so they tell nothing of where it is after that.

    One that the kubelet would reject counts everywhere, as long as it is bound there.
    """
    everywhere = list(range(len(telemetry.domains)))
    if pod.started is None or pod.started > telemetry.newest:
        return landing_places(telemetry, pod.exclusive_cpus, topology) or everywhere
    return everywhere


def _is_measured(pod: Pod, domain: DomainTelemetry) -> bool:
    return pod.started is not None and pod.started <= domain.window_start
