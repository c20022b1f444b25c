"""Which of a node's domains the kubelet may take a pod's exclusive CPUs from.

The policies are those of the kubelet's Topology Manager
(https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/#topology-manager-policies); a domain is what it
calls a NUMA node. How each comes about, in Kubernetes 1.36: NUMA nodes with enough free CPUs between them are a hint,
preferred where no fewer of that machine have as many CPUs at all (``generateCPUTopologyHints`` in
``pkg/kubelet/cm/cpumanager/policy_static.go``). ``best-effort`` takes the narrowest hint whatever it is, ``restricted``
rejects a pod without a preferred one, ``single-numa-node`` one without a hint of one NUMA node alone
(``pkg/kubelet/cm/topologymanager/policy_*.go``). With ``none`` CPUs are taken wherever they are free.
"""

from enum import StrEnum

from scheduler_extender.telemetry import DomainTelemetry, NodeTelemetry


class TopologyPolicy(StrEnum):
    """A node's ``topologyManagerPolicy``."""

    NONE = "none"
    BEST_EFFORT = "best-effort"
    RESTRICTED = "restricted"
    SINGLE_NUMA_NODE = "single-numa-node"


def landing_places(telemetry: NodeTelemetry, exclusive_cpus: int, policy: TopologyPolicy) -> list[int]:
    """The domains that may take a pod, by their places; which of them the kubelet will choose is not known.

    A pod that wants no CPUs for itself runs in the shared pool, which is everywhere. Where no domain alone has room,
    CPUs come from several: those that have any. ``restricted`` lets that pass for a pod larger than any domain, and
    rejects all others; how large a domain is no NodeState says, so it counts as ``best-effort``. The CPUs of all
    containers are counted together, as with ``topologyManagerScope: pod``.

    Args:
        telemetry: the node's.
        exclusive_cpus: that the pod wants for itself.
        policy: the node's.

    Returns:
        Empty only with ``single-numa-node``: no domain has room, so the kubelet would reject the pod.
    """
    everywhere = list(range(len(telemetry.domains)))
    if exclusive_cpus == 0:
        return everywhere
    if policy is not TopologyPolicy.NONE:
        alone = _with_free(telemetry.domains, exclusive_cpus)
        if alone or policy is TopologyPolicy.SINGLE_NUMA_NODE:
            return alone
    return _with_free(telemetry.domains, 1) or everywhere


def _with_free(domains: tuple[DomainTelemetry, ...], cpus: int) -> list[int]:
    """Domains with that many free exclusive CPUs, and those of which nobody can tell."""
    return [
        place
        for place, domain in enumerate(domains)
        if domain.free_exclusive_cpus is None or domain.free_exclusive_cpus >= cpus
    ]
