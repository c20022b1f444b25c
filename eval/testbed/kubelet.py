"""The cgroups that a simulated node's kubelet would write, and what the agent makes of them.

The agent's own rule is applied to cgroups, and nothing is handed to it that they would not show: it does not learn what
kubelet has left to give away, nor that a process of the host sits on a CPU.
"""

from pathlib import Path

from agent.pod_cgroups import PodCgroup
from agent.pods import PodPlacement, placement_of
from eval.testbed.node import SimulatedNode

AGENT_UID = "leeward-agent"
"""The node's agent is a Burstable pod, and so runs in the shared pool."""

_KUBEPODS = Path("/sys/fs/cgroup/kubepods")


def pod_placement(node: SimulatedNode) -> PodPlacement:
    """Where the pods of a node live now, as its agent would find out."""
    return placement_of(pod_cgroups(node), node.topology)


def pod_cgroups(node: SimulatedNode) -> tuple[PodCgroup, ...]:
    """Every occupant that kubelet gave CPUs to as a Guaranteed pod, and the agent in what nobody holds, by UID."""
    available = frozenset(cpu for domain in node.topology.domains for cpu in domain.cpus)
    held = {uid: cpus for domain in node.topology.domains for uid, cpus in node.exclusive_cpus(domain.name).items()}
    pool = available.difference(*held.values())
    agent = PodCgroup(
        uid=AGENT_UID,
        directory=_KUBEPODS / "burstable" / f"pod{AGENT_UID}",
        guaranteed=False,
        pinned=(pool,) if pool and pool != available else (),
        available=available,
    )
    pods = (
        PodCgroup(uid=uid, directory=_KUBEPODS / f"pod{uid}", guaranteed=True, pinned=(cpus,), available=available)
        for uid, cpus in held.items()
    )
    return tuple(sorted((agent, *pods), key=lambda pod: pod.uid))
