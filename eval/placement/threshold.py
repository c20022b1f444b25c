"""A threshold policy: nodes that look busy are avoided, else the default scheduler decides."""

from collections.abc import Mapping, Sequence

import numpy as np

from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import default_scores, select_host

THRESHOLDS: Mapping[str, float] = {"dram_utilisation": 0.6, "l3_miss_ratio": 0.5}
"""From these values up a domain counts as busy; whoever sets thresholds by hand sets some such."""


class LatestStates:
    """A publisher that keeps every node's latest state."""

    def __init__(self) -> None:
        self.states: dict[str, NodeState] = {}

    def publish(self, state: NodeState) -> None:
        """Keep it."""
        self.states[state.metadata.name] = state


class ThresholdPolicy:
    """Avoids nodes with a busy domain, as long as there are others; a missing value is not busy."""

    def __init__(self, cluster: Cluster, *, agents: Agents, latest: LatestStates, rng: np.random.Generator) -> None:
        self._cluster = cluster
        self._agents = agents
        self._latest = latest
        self._rng = rng

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """The default scheduler's choice among the calm nodes, or among all where none is calm."""
        self._agents.report()
        calm = [node for node in feasible if not is_busy(self._latest.states.get(node))]
        return select_host(default_scores(arrival, calm or feasible, self._cluster), self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """It looks at telemetry alone."""

    def ended(self, uid: str) -> None:
        """As above."""


def is_busy(state: NodeState | None) -> bool:
    """Whether a domain is at or over a threshold."""
    if state is None or state.status is None:
        return False
    return any(
        value is not None and value >= threshold
        for domain in state.status.domains
        for feature, threshold in THRESHOLDS.items()
        for value in [domain.features[FEATURE_SCHEMA_V1.names.index(feature)]]
    )
