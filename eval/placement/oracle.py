"""The upper end of the scale: a policy that sees the truth."""

from collections.abc import Sequence

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster


class OraclePolicy:
    """Tries each node and looks at everybody's true slowdown, without noise, before it decides.

    It is greedy: of one placement after another each is the best, all together need not be.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """The node where the fewest tolerances are newly violated; of these, where the worst party fares best."""
        return min(feasible, key=lambda node: (*self._harm(arrival, node), node))

    def bound(self, arrival: Arrival, node: str) -> None:
        """The truth is the cluster's to tell."""

    def ended(self, uid: str) -> None:
        """As above."""

    def _harm(self, arrival: Arrival, node: str) -> tuple[int, float]:
        parties = {**self._cluster.parties(node), arrival.uid: arrival}
        with self._cluster.imagined(arrival, node) as imagined:
            ratios = [imagined.true_slowdown(uid) / party.demand.max_slowdown for uid, party in parties.items()]
        now = self._cluster.slowdowns(node)
        violated = sum(now[uid] > party.demand.max_slowdown for uid, party in self._cluster.parties(node).items())
        return sum(ratio > 1.0 for ratio in ratios) - violated, max(ratios)
