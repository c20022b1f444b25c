"""Leeward without the interference model: nodes are scored by what the agents' regimes say, whoever comes."""

from collections.abc import Sequence

import numpy as np

from contracts.nodestate import NodeState
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import default_scores, select_host
from eval.placement.leeward import EXTENDER_FACTOR
from eval.placement.threshold import LatestStates
from scheduler_extender.scoring import HIGHEST, NEUTRAL_LOW
from scheduler_extender.telemetry import telemetry_of


class RegimeOnlyPolicy:
    """The default scheduler's score, and beside it one that falls with the axis most likely to be pressed."""

    def __init__(self, cluster: Cluster, *, agents: Agents, latest: LatestStates, rng: np.random.Generator) -> None:
        self._cluster = cluster
        self._agents = agents
        self._latest = latest
        self._rng = rng

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """Add up as kube-scheduler does, with the extender's weight."""
        self._agents.report()
        scores = default_scores(arrival, feasible, self._cluster)
        states = self._latest.states
        return select_host(
            {node: score + EXTENDER_FACTOR * regime_score(states.get(node)) for node, score in scores.items()},
            self._rng,
        )

    def bound(self, arrival: Arrival, node: str) -> None:
        """It looks at regimes alone."""

    def ended(self, uid: str) -> None:
        """As above."""


def regime_score(state: NodeState | None) -> int:
    """From 10 where nothing is pressed to 0 where an axis certainly is; 3 where nobody has reported."""
    telemetry = None if state is None else telemetry_of(state)
    if telemetry is None:
        return NEUTRAL_LOW
    return round(HIGHEST * (1.0 - max(domain.pressed for domain in telemetry.domains)))
