"""Leeward without the interference model: nodes are scored by what the agents' regimes say, whoever comes."""

from collections.abc import Mapping, Sequence

from contracts.nodestate import NodeState
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import default_scores
from eval.placement.leeward import EXTENDER_FACTOR
from scheduler_extender.scoring import HIGHEST, NEUTRAL_LOW
from scheduler_extender.telemetry import telemetry_of


class RegimeScores:
    """The default scheduler's scores, and beside them ``regime_score`` with the extender's weight.

    A node's regimes are looked at anew only where its agent has published anew.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[NodeState, int]] = {}

    def __call__(
        self, arrival: Arrival, feasible: Sequence[str], cluster: Cluster, states: Mapping[str, NodeState]
    ) -> Mapping[str, int]:
        """As in ``eval.placement.telemetry_policy``."""
        return {
            node: score + EXTENDER_FACTOR * self._of(node, states.get(node))
            for node, score in default_scores(arrival, feasible, cluster).items()
        }

    def _of(self, node: str, state: NodeState | None) -> int:
        if state is None:
            return regime_score(state)
        known = self._known.get(node)
        if known is None or known[0] is not state:
            known = self._known[node] = (state, regime_score(state))
        return known[1]


def regime_score(state: NodeState | None) -> int:
    """From 10 where nothing is pressed to 0 where an axis certainly is; 3 where nobody has reported."""
    telemetry = None if state is None else telemetry_of(state)
    if telemetry is None:
        return NEUTRAL_LOW
    return round(HIGHEST * (1.0 - max(domain.pressed for domain in telemetry.domains)))
