"""Who suffered how much for how long."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from eval.placement.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What one policy made of one schedule.

    Attributes:
        violated: share of the parties' time that they were slowed down beyond what they tolerate.
        worst_slowdown: of any party at any time.
        p99_slowdown: exceeded in a hundredth of the parties' time, to a hundredth above.
        hurt: residents that a newcomer took beyond what they tolerate, a hundred placements.
        pods_per_node: of the nodes with a pod, the mean over time.
        mean_excess: by how much the tolerance was exceeded on average over the parties' time, 0 where it held.
        placed, refused: pods, from the first on; one refused does not come again.
        nodes_used: mean number of nodes with a pod.
        load: mean share of the cluster's CPUs that was requested by pods that ran.
    """

    violated: float
    worst_slowdown: float
    p99_slowdown: float
    hurt: float
    pods_per_node: float
    mean_excess: float
    placed: int
    refused: int
    nodes_used: float
    load: float


@dataclass(slots=True)
class Ledger:
    """Sums over time; every party's second weighs the same.

    Attributes:
        seconds: from the beginning of the measurement to its end.
    """

    party_seconds: float = 0.0
    violated_seconds: float = 0.0
    excess_seconds: float = 0.0
    node_seconds: float = 0.0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    worst_slowdown: float = 1.0
    seconds_by_hundredth: dict[int, float] = field(default_factory=dict)
    newcomers: int = 0
    hurt: int = 0
    placed: int = 0
    refused: int = 0

    def stayed(self, cluster: Cluster, node: str, seconds: float) -> None:
        """Count a time in which nobody came to a node or left it.

        Args:
            cluster: with those who were there.
            node: where.
            seconds: above zero.
        """
        parties, slowdowns = cluster.parties(node), cluster.slowdowns(node)
        if not parties:
            return
        self.node_seconds += seconds
        self.cpu_seconds += seconds * cluster.requested(node).cpus
        self.party_seconds += seconds * len(parties)
        for uid, arrival in parties.items():
            excess = slowdowns[uid] / arrival.demand.max_slowdown - 1.0
            hundredths = math.ceil(100.0 * slowdowns[uid])
            self.seconds_by_hundredth[hundredths] = self.seconds_by_hundredth.get(hundredths, 0.0) + seconds
            self.worst_slowdown = max(self.worst_slowdown, slowdowns[uid])
            if excess > 0.0:
                self.violated_seconds += seconds
                self.excess_seconds += seconds * excess

    def came(self, cluster: Cluster, node: str, *, before: Mapping[str, float]) -> None:
        """Somebody was placed on a node.

        Args:
            cluster: with the newcomer.
            node: where it is.
            before: slowdowns of those who were there, without it.
        """
        parties, now = cluster.parties(node), cluster.slowdowns(node)
        self.newcomers += 1
        self.hurt += sum(slowdown <= parties[uid].demand.max_slowdown < now[uid] for uid, slowdown in before.items())

    def figures(self, cluster: Cluster) -> RunFigures:
        """The sums as means."""
        party_seconds, seconds = max(self.party_seconds, 1e-9), max(self.seconds, 1e-9)
        return RunFigures(
            violated=self.violated_seconds / party_seconds,
            worst_slowdown=self.worst_slowdown,
            p99_slowdown=self._exceeded_in(0.01),
            hurt=100.0 * self.hurt / max(self.newcomers, 1),
            pods_per_node=self.party_seconds / max(self.node_seconds, 1e-9),
            mean_excess=self.excess_seconds / party_seconds,
            placed=self.placed,
            refused=self.refused,
            nodes_used=self.node_seconds / seconds,
            load=self.cpu_seconds / seconds / cluster.cpus,
        )

    def _exceeded_in(self, share: float) -> float:
        left = share * self.party_seconds
        for hundredths in sorted(self.seconds_by_hundredth, reverse=True):
            left -= self.seconds_by_hundredth[hundredths]
            if left < 0.0:
                return hundredths / 100.0
        return 1.0
