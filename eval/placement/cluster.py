"""The simulated cluster as schedulers see it: what was requested where, and where kubelet puts who comes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from eval.errors import EvaluationError
from eval.placement.arrivals import Arrival
from eval.placement.demand import GIBIBYTE
from eval.placement.partition import least_crowded
from eval.testbed.hardware import ALL_WAYS, SOCKETS
from eval.testbed.node import SimulatedNode

NODE_MEMORY_BYTES = 384 * GIBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """CPUs and memory, of a node or of pods."""

    cpus: int
    memory_bytes: int


class Cluster:
    """Nodes, who runs on them, and the time since the start.

    A node's own time follows only when somebody comes or goes or its counters are read.

    Args:
        nodes: one at least, empty.
        partitioned: sockets' caches are cut into classes, see ``eval.placement.partition``.
    """

    def __init__(self, nodes: Sequence[SimulatedNode], *, partitioned: bool = False) -> None:
        self._partitioned = partitioned
        self._masks: dict[tuple[str, str], dict[str, int]] = {}
        self.nodes = {node.name: node for node in nodes}
        self.now_seconds = 0.0
        self._start_ns = nodes[0].wall_ns
        self._homes: dict[str, str] = {}
        self._parties: dict[str, dict[str, Arrival]] = {name: {} for name in self.nodes}
        self._requested = {name: Resources(cpus=0, memory_bytes=0) for name in self.nodes}
        self._slowdowns: dict[str, dict[str, float]] = {}
        self._free = {name: free_cores(node) for name, node in self.nodes.items()}
        self._changed_seconds = dict.fromkeys(self.nodes, 0.0)
        self._allocatable = {
            name: Resources(cpus=sum(free), memory_bytes=NODE_MEMORY_BYTES) for name, free in self._free.items()
        }

    @property
    def cpus(self) -> int:
        """Of all nodes: whole cores, or threads where a node hands out threads."""
        return sum(resources.cpus for resources in self._allocatable.values())

    def allocatable(self, node: str) -> Resources:
        """What pods may request of a node."""
        return self._allocatable[node]

    def requested(self, node: str) -> Resources:
        """What its pods request."""
        return self._requested[node]

    def parties(self, node: str) -> Mapping[str, Arrival]:
        """Who runs there, by uid."""
        return self._parties[node]

    def home(self, uid: str) -> str | None:
        """Where somebody runs."""
        return self._homes.get(uid)

    def changed_seconds(self, node: str) -> float:
        """When somebody last came or went."""
        return self._changed_seconds[node]

    def feasible(self, arrival: Arrival) -> list[str]:
        """Nodes with the memory, and with the CPUs in one domain.

        kube-scheduler's NodeResourcesFit looks at nodes as wholes; kubelet would then refuse a pod under the policy
        ``single-numa-node``. Both are taken as one filter here, as the NodeResourceTopologyMatch plugin does.
        """
        cpus, most = arrival.demand.cpus, NODE_MEMORY_BYTES - arrival.demand.memory_bytes
        wanted = range(SOCKETS) if arrival.nic is None else (arrival.nic,)
        return [
            name
            for name, free in self._free.items()
            if self._requested[name].memory_bytes <= most and any(free[socket] >= cpus for socket in wanted)
        ]

    def slowdowns(self, node: str) -> Mapping[str, float]:
        """Everybody's true slowdown on a node, by uid."""
        if node not in self._slowdowns:
            self._slowdowns[node] = self.nodes[node].true_slowdowns()
        return self._slowdowns[node]

    def place(self, arrival: Arrival, node: str) -> None:
        """Bind a pod; kubelet chooses the domain.

        Raises:
            EvaluationError: it does not fit.
        """
        self.catch_up(node)
        domain = self._domain_for(arrival, node)
        ways = self._ways(node, domain)
        self.nodes[node].place(arrival.uid, arrival.demand.workload, domain=domain, ways=ways)
        self._masks.setdefault((node, domain), {})[arrival.uid] = ways
        self._parties[node][arrival.uid] = arrival
        self._homes[arrival.uid] = node
        self._changed(node)

    def remove(self, uid: str) -> str | None:
        """A pod ends; says where it was, ``None`` where it never ran."""
        node = self._homes.pop(uid, None)
        if node is not None:
            self.catch_up(node)
            self.nodes[node].remove(uid)
            del self._parties[node][uid]
            for masks in (self._masks.get((node, domain.name), {}) for domain in self.nodes[node].topology.domains):
                masks.pop(uid, None)
            self._changed(node)
        return node

    @contextmanager
    def imagined(self, arrival: Arrival, node: str) -> Iterator[SimulatedNode]:
        """A node as it would be if a pod had come; afterwards it has not."""
        simulated = self.nodes[node]
        domain = self._domain_for(arrival, node)
        simulated.place(arrival.uid, arrival.demand.workload, domain=domain, ways=self._ways(node, domain))
        try:
            yield simulated
        finally:
            simulated.remove(arrival.uid)

    def catch_up(self, node: str, *, short_of_seconds: float = 0.0) -> None:
        """Let a node's own time pass until now, or until some seconds before."""
        simulated = self.nodes[node]
        behind_ns = self._start_ns + round((self.now_seconds - short_of_seconds) * 1e9) - simulated.wall_ns
        if behind_ns > 0:
            simulated.advance(behind_ns * 1e-9)

    def _ways(self, node: str, domain: str) -> int:
        return least_crowded(self._masks.get((node, domain), {}).values()) if self._partitioned else ALL_WAYS

    def _changed(self, node: str) -> None:
        demands = [arrival.demand for arrival in self._parties[node].values()]
        self._requested[node] = Resources(
            cpus=sum(demand.cpus for demand in demands),
            memory_bytes=sum(demand.memory_bytes for demand in demands),
        )
        self._slowdowns.pop(node, None)
        self._free[node] = free_cores(self.nodes[node])
        self._changed_seconds[node] = self.now_seconds

    def _domain_for(self, arrival: Arrival, node: str) -> str:
        """The socket of its network card, if it has one; else the lowest-numbered with room.

        So does kubelet's Topology Manager under the policy ``single-numa-node``: it aligns CPUs with devices, and of
        hints that are equally narrow it keeps the one with the lowest bits
        (https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/).
        """
        for domain, free in zip(self.nodes[node].topology.domains, self._free[node], strict=True):
            if arrival.nic in {None, domain.socket} and free >= arrival.demand.cpus:
                return domain.name
        raise EvaluationError(f"{arrival.uid} does not fit on {node}: choose among the feasible nodes")


def free_cores(node: SimulatedNode) -> tuple[int, ...]:
    """How many more workers each domain has room for, in their order, which is that of the sockets."""
    return tuple(node.free_cores(domain.name) for domain in node.topology.domains)
