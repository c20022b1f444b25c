"""kube-scheduler's own choice, as far as these pods let its plugins differ between nodes.

Of the plugins that score by default, NodeResourcesFit with LeastAllocated and NodeResourcesBalancedAllocation, both of
weight 1, look at requests (https://kubernetes.io/docs/reference/scheduling/config/ and
https://kubernetes.io/docs/concepts/scheduling-eviction/resource-bin-packing/; formulas as in kube-scheduler 1.34,
``pkg/scheduler/framework/plugins/noderesources``: ``least_allocated.go``, ``balanced_allocation.go``, and for a
profile whose scoring strategy is MostAllocated ``most_allocated.go``). The others (affinities, taints, images,
spreading over topologies) give all nodes the same for pods that state no wish and belong to no Service or ReplicaSet.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster, Resources

MAX_NODE_SCORE = 100

Strategy = Callable[[Resources, Resources], int]


class DefaultPolicy:
    """kube-scheduler without an extender.

    Args:
        cluster: the nodes.
        rng: for ties.
        packing: by MostAllocated instead of LeastAllocated.
    """

    def __init__(self, cluster: Cluster, *, rng: np.random.Generator, packing: bool = False) -> None:
        self._cluster = cluster
        self._rng = rng
        self._packing = packing

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """By requests alone."""
        return select_host(default_scores(arrival, feasible, self._cluster, packing=self._packing), self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """Requests are the cluster's to count."""

    def ended(self, uid: str) -> None:
        """As above."""


def default_scores(
    arrival: Arrival, nodes: Sequence[str], cluster: Cluster, *, packing: bool = False
) -> dict[str, int]:
    """The sum of both plugins' scores, 0 to 200, of each node."""
    strategy = most_allocated if packing else least_allocated
    return {node: _score(arrival, node, cluster, strategy) for node in nodes}


def least_allocated(requested: Resources, allocatable: Resources) -> int:
    """The mean over CPU and memory of what is left, in whole points of 100, each rounded down.

    Args:
        requested: by all pods, the newcomer included.
        allocatable: of the node.
    """
    return (_left(requested.cpus, allocatable.cpus) + _left(requested.memory_bytes, allocatable.memory_bytes)) // 2


def most_allocated(requested: Resources, allocatable: Resources) -> int:
    """The mean over CPU and memory of what is taken, in whole points of 100, each rounded down."""
    return (_taken(requested.cpus, allocatable.cpus) + _taken(requested.memory_bytes, allocatable.memory_bytes)) // 2


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


def _score(arrival: Arrival, node: str, cluster: Cluster, strategy: Strategy) -> int:
    already, allocatable, demand = cluster.requested(node), cluster.allocatable(node), arrival.demand
    return _of_both(
        strategy,
        already.cpus + demand.cpus,
        already.memory_bytes + demand.memory_bytes,
        allocatable.cpus,
        allocatable.memory_bytes,
    )


@lru_cache(maxsize=65536)
def _of_both(strategy: Strategy, cpus: int, memory_bytes: int, all_cpus: int, all_memory_bytes: int) -> int:
    """Both plugins' scores; nodes and pods are few of a kind, so the same come again and again."""
    requested = Resources(cpus=cpus, memory_bytes=memory_bytes)
    allocatable = Resources(cpus=all_cpus, memory_bytes=all_memory_bytes)
    return strategy(requested, allocatable) + balanced_allocation(requested, allocatable)


def _left(requested: int, allocatable: int) -> int:
    return 0 if requested > allocatable else (allocatable - requested) * MAX_NODE_SCORE // allocatable


def _taken(requested: int, allocatable: int) -> int:
    """What is asked beyond all there is counts as all, as ``mostRequestedScore`` has it."""
    return min(requested, allocatable) * MAX_NODE_SCORE // allocatable
