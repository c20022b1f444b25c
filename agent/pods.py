"""Which pods live in which domain, and how many CPUs nobody holds for himself.

The kubelet's static CPU manager (``pkg/kubelet/cm/cpumanager``) gives each container of a Guaranteed pod that asks for
whole CPUs a set of its own, and writes what remains, the shared pool, into every other container: those of other
classes, Guaranteed ones that ask for parts of a CPU, sidecars. All of them then have an explicit cpuset, so having one
says nothing. What says it is that an exclusive set overlaps no other pod's, while all containers of the shared pool
have one and the same. Hence:

- A container that may use all CPUs there are for pods is not pinned, and says nothing of others: the sandbox, all
  containers under the policy ``none``, those that the kubelet has not yet moved out of the way (it looks every ten
  seconds, ``--cpu-manager-reconcile-period``).
- A pinned container of a Guaranteed pod holds its CPUs exclusively if no pinned container of another pod may use any.
- A Guaranteed pod that is alone in the shared pool looks the same as one with CPUs of its own. So somebody must be
  seen in the pool: a pinned container that holds nothing exclusively. Where nobody is, nothing is told. In a cluster
  the agent itself is there, being a Burstable pod.

Options such as ``full-pcpus-only`` change which CPUs are given away and none of this. What the kubelet reserves can't
be told from the shared pool, and counts as free; so do, until they run again, the CPUs of a container that is being
restarted. The kubelet's own book, ``cpu_manager_state``, knows that much better. It is not read: mounting its directory
would show the agent every pod's secrets.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.errors import TopologyError
from agent.pod_cgroups import PodCgroup, PodCgroups
from agent.topology import Domain, Topology
from agent.troubles import Troubles
from contracts.nodestate import MAXIMUM_PODS

UNREADABLE = "pods-unreadable"
_LAWFUL_UID = re.compile(r"[0-9A-Za-z-]{1,36}")
"""What NodeState takes for a UID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlacement:
    """Where the pods of a node live, as NodeState tells it.

    Attributes:
        pods: domain to the UIDs of pods that live in it and not in all domains, ascending.
        shared: UIDs of pods that may run in any domain, ascending.
        omitted: pods that are not named for want of room; to a reader they are shared.
        free_exclusive_cpus: domain to its online CPUs that no pod holds exclusively; ``None`` where that can't be told.
    """

    pods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    omitted: int = 0
    free_exclusive_cpus: Mapping[str, int] | None = None

    def free_in(self, domain: str) -> int | None:
        """Online CPUs of a domain that no pod holds exclusively; ``None`` where that can't be told."""
        return None if self.free_exclusive_cpus is None else self.free_exclusive_cpus.get(domain)


UNKNOWN_PLACEMENT = PodPlacement()
"""Where nothing is known: no pod is named, which tells a reader that each may be anywhere."""


class PodWatch:
    """Reads the placement of pods, once a window; it never raises."""

    def __init__(self, cgroups: PodCgroups, troubles: Troubles) -> None:
        """Nothing is read yet.

        Args:
            cgroups: the pods of this node.
            troubles: is told where the tree is there and can't be read.
        """
        self._cgroups = cgroups
        self._troubles = troubles
        self._pods: tuple[PodCgroup, ...] | None = None
        self._topology: Topology | None = None
        self._placement = UNKNOWN_PLACEMENT

    def placement(self, topology: Topology) -> PodPlacement:
        """Where pods live now; ``UNKNOWN_PLACEMENT`` where no kubelet's cgroups can be seen, or not all of them."""
        try:
            pods = self._cgroups.read()
        except (OSError, TopologyError) as error:
            self._troubles.tell(UNREADABLE, f"pods on this node are not known: {error}; let the agent read all cgroups")
            return UNKNOWN_PLACEMENT
        self._troubles.clear(UNREADABLE)
        if pods is not self._pods or topology is not self._topology:
            self._placement = UNKNOWN_PLACEMENT if pods is None else placement_of(pods, topology)
            self._pods, self._topology = pods, topology
        return self._placement


def exclusive_cpus(pods: Sequence[PodCgroup]) -> Mapping[str, frozenset[int]] | None:
    """The CPUs that each pod holds exclusively, by UID, pods without any left out.

    Args:
        pods: all pods of the node, one a UID.

    Returns:
        ``None`` where some pod may hold CPUs exclusively and nobody is seen in the shared pool.
    """
    users = Counter(cpu for pod in pods for cpu in frozenset[int]().union(*pod.pinned))
    held: dict[str, frozenset[int]] = {}
    pool_is_seen = False
    for pod in pods:
        own = [cpus for cpus in pod.pinned if pod.guaranteed and all(users[cpu] == 1 for cpu in cpus)]
        if own:
            held[pod.uid] = frozenset[int]().union(*own)
        pool_is_seen = pool_is_seen or len(own) < len(pod.pinned)
    return held if pool_is_seen or not held else None


def placement_of(pods: Sequence[PodCgroup], topology: Topology) -> PodPlacement:
    """Put pods into domains.

    A pod lives where its exclusive CPUs are, else where its containers may run. Where that is more than one domain it
    is named in each: a reader then counts it as a neighbour in each of them and in no other. A pod without exclusive
    CPUs that may run in every domain is shared.

    Pods with exclusive CPUs are named first, then other pinned ones, then shared ones, each in the order of their UIDs.
    A pod is named everywhere or not at all: named in part, it would seem to live in that part alone.
    """
    held = exclusive_cpus(pods)
    exclusive = held or {}
    homes = {pod.uid: _homes(pod, exclusive.get(pod.uid), topology.domains) for pod in pods}
    order = sorted(homes, key=lambda uid: (uid not in exclusive, not homes[uid], uid))
    named = _within_room(order, homes)
    return PodPlacement(
        pods={
            domain.name: tuple(sorted(uid for uid in named if domain.name in homes[uid])) for domain in topology.domains
        },
        shared=tuple(sorted(uid for uid in named if not homes[uid])),
        omitted=len(pods) - len(named),
        free_exclusive_cpus=None if held is None else _free(held, topology.domains),
    )


def _homes(pod: PodCgroup, exclusive: frozenset[int] | None, domains: Sequence[Domain]) -> tuple[str, ...]:
    """The domains that a pod is named in; none where it is shared."""
    cpus = exclusive or pod.cpus
    touched = tuple(domain.name for domain in domains if not cpus.isdisjoint(domain.cpus))
    return touched if exclusive or len(touched) < len(domains) else ()


def _within_room(order: Sequence[str], homes: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    named: list[str] = []
    room = MAXIMUM_PODS
    for uid in order:
        places = max(len(homes[uid]), 1)
        if places <= room and _LAWFUL_UID.fullmatch(uid):
            named.append(uid)
            room -= places
    return tuple(named)


def _free(held: Mapping[str, frozenset[int]], domains: Sequence[Domain]) -> dict[str, int]:
    taken = frozenset[int]().union(*held.values())
    return {domain.name: len(frozenset(domain.cpus) - taken) for domain in domains}
