"""Policies that look at the latest NodeStates and know nothing of who comes: nodes are scored by what they show."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from contracts.nodestate import NodeState
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import select_host

Scores = Callable[[Arrival, Sequence[str], Cluster, Mapping[str, NodeState]], Mapping[str, int]]
"""Of an arrival, the feasible nodes, the cluster and each node's latest state: some of the nodes' scores."""


class LatestStates:
    """A publisher that keeps every node's latest state."""

    def __init__(self) -> None:
        self.states: dict[str, NodeState] = {}

    def publish(self, state: NodeState) -> None:
        """Keep it."""
        self.states[state.metadata.name] = state


class TelemetryPolicy:
    """The node with the highest score.

    Args:
        cluster, agents: the nodes, and who measures them.
        latest: where the agents publish.
        scores: of the nodes.
        rng: for ties.
    """

    def __init__(
        self, cluster: Cluster, *, agents: Agents, latest: LatestStates, scores: Scores, rng: np.random.Generator
    ) -> None:
        self._cluster = cluster
        self._agents = agents
        self._latest = latest
        self._scores = scores
        self._rng = rng

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """Let the agents report, and score."""
        self._agents.report()
        return select_host(self._scores(arrival, feasible, self._cluster, self._latest.states), self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """It looks at telemetry alone."""

    def ended(self, uid: str) -> None:
        """As above."""
