"""Arrivals and clusters that are small enough to work out by hand."""

from collections.abc import Sequence

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.demand import GIBIBYTE, Demand
from eval.testbed.catalogue import workload
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL

FOREVER = 1e9


def cluster_of(*names: str) -> Cluster:
    """Nodes that offer every event; 16 cores a socket."""
    return Cluster([SimulatedNode(name=name, offer=FULL, seed=index) for index, name in enumerate(names)])


def arrival(
    name: str,
    *,
    uid: str = "pod-0000",
    max_slowdown: float = 1.5,
    at: float = 10.0,
    until: float = FOREVER,
    nic: int | None = None,
    gibibytes: int = 4,
) -> Arrival:
    """A pod of one of the testbed's workloads."""
    demand = Demand(
        workload=workload(name), max_slowdown=max_slowdown, memory_bytes=gibibytes * GIBIBYTE, needs_nic=nic is not None
    )
    return Arrival(uid=uid, demand=demand, at_seconds=at, until_seconds=until, nic=nic)


class Scripted:
    """A policy that does as it is told, and remembers what it was told of."""

    def __init__(self, choices: Sequence[str | None]) -> None:
        self.seen: list[str] = []
        self._choices = list(choices)

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        return self._choices.pop(0)

    def bound(self, arrival: Arrival, node: str) -> None:
        self.seen.append(f"{arrival.uid} on {node}")

    def ended(self, uid: str) -> None:
        self.seen.append(f"{uid} ended")
