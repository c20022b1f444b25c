"""The upper end of the scale: a policy that sees the truth."""

from collections.abc import Sequence

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.demand import Demand

Harm = tuple[int, float]
"""How many tolerances are newly violated, and the worst party's slowdown over what it tolerates."""


class OraclePolicy:
    """Tries each node and looks at everybody's true slowdown, without noise, before it decides.

    It is greedy: of one placement after another each is the best, all together need not be. What it found of a demand
    on a node holds until somebody comes or goes there.

    Args:
        cluster: the nodes; who comes and goes has to be told, unless that was before the first choice.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._homes: dict[str, str] = {}
        self._harms: dict[tuple[Demand, int | None], dict[str, Harm]] = {}

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """The node where the fewest tolerances are newly violated; of these, where the worst party fares best."""
        known = self._harms.setdefault((arrival.demand, arrival.nic), {})
        for node in feasible:
            if node not in known:
                known[node] = self._harm(arrival, node)
        return min(feasible, key=lambda node: (*known[node], node))

    def bound(self, arrival: Arrival, node: str) -> None:
        """That node is another one now."""
        self._homes[arrival.uid] = node
        self._forget(node)

    def ended(self, uid: str) -> None:
        """As above."""
        self._forget(self._homes.pop(uid))

    def _forget(self, node: str) -> None:
        for known in self._harms.values():
            known.pop(node, None)

    def _harm(self, arrival: Arrival, node: str) -> Harm:
        parties = self._cluster.parties(node)
        tolerated = {uid: party.demand.max_slowdown for uid, party in parties.items()}
        violated = sum(value > tolerated[uid] for uid, value in self._cluster.slowdowns(node).items())
        tolerated[arrival.uid] = arrival.demand.max_slowdown
        with self._cluster.imagined(arrival, node) as imagined:
            ratios = [value / tolerated[uid] for uid, value in imagined.true_slowdowns().items()]
        return sum(ratio > 1.0 for ratio in ratios) - violated, max(ratios)
