"""kube-scheduler's own choice, as far as these pods let its plugins differ between nodes.

Of the plugins that score by default, NodeResourcesFit with LeastAllocated and NodeResourcesBalancedAllocation, both of
weight 1, look at requests (https://kubernetes.io/docs/reference/scheduling/config/ and
https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/; formulas as in kube-scheduler 1.34,
``noderesources/least_allocated.go`` and ``balanced_allocation.go``). The others (affinities, taints, images, spreading
over topologies) give all nodes the same for pods that state no wish and belong to no Service or ReplicaSet.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster, Resources

MAX_NODE_SCORE = 100


class DefaultPolicy:
    """kube-scheduler without an extender."""

    def __init__(self, cluster: Cluster, *, rng: np.random.Generator) -> None:
        self._cluster = cluster
        self._rng = rng

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """By requests alone."""
        return select_host(default_scores(arrival, feasible, self._cluster), self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """Requests are the cluster's to count."""

    def ended(self, uid: str) -> None:
        """As above."""


def default_scores(arrival: Arrival, nodes: Sequence[str], cluster: Cluster) -> dict[str, int]:
    """The sum of both plugins' scores, 0 to 200, of each node."""
    return {node: _score(arrival, node, cluster) for node in nodes}


def least_allocated(requested: Resources, allocatable: Resources) -> int:
    """The mean over CPU and memory of what is left, in whole points of 100, each rounded down.

    Args:
        requested: by all pods, the newcomer included.
        allocatable: of the node.
    """
    return (_left(requested.cpus, allocatable.cpus) + _left(requested.memory_bytes, allocatable.memory_bytes)) // 2


def balanced_allocation(requested: Resources, allocatable: Resources) -> int:
    """100 less the standard deviation of the requested shares of CPU and memory, in whole points, rounded down."""
    cpus = min(requested.cpus / allocatable.cpus, 1.0)
    memory = min(requested.memory_bytes / allocatable.memory_bytes, 1.0)
    return int((1.0 - abs(cpus - memory) / 2.0) * MAX_NODE_SCORE)


def select_host(scores: Mapping[str, int], rng: np.random.Generator) -> str:
    """One of the nodes with the highest score, each as likely."""
    best = max(scores.values())
    highest = sorted(node for node, score in scores.items() if score == best)
    return highest[int(rng.integers(len(highest)))]


def _score(arrival: Arrival, node: str, cluster: Cluster) -> int:
    already, allocatable = cluster.requested(node), cluster.allocatable(node)
    requested = Resources(
        cpus=already.cpus + arrival.demand.cpus, memory_bytes=already.memory_bytes + arrival.demand.memory_bytes
    )
    return least_allocated(requested, allocatable) + balanced_allocation(requested, allocatable)


def _left(requested: int, allocatable: int) -> int:
    return 0 if requested > allocatable else (allocatable - requested) * MAX_NODE_SCORE // allocatable
