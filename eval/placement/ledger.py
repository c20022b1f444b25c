"""Who suffered how much for how long."""

from dataclasses import dataclass

from eval.placement.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What one policy made of one schedule.

    Attributes:
        violated: share of the parties' time that they were slowed down beyond what they tolerate.
        worst_slowdown: of any party at any time.
        mean_excess: by how much the tolerance was exceeded on average over the parties' time, 0 where it held.
        placed, refused: pods, from the first on; one refused does not come again.
        nodes_used: mean number of nodes with a pod.
        load: mean share of the cluster's CPUs that was requested by pods that ran.
    """

    violated: float
    worst_slowdown: float
    mean_excess: float
    placed: int
    refused: int
    nodes_used: float
    load: float


@dataclass(slots=True)
class Ledger:
    """Sums over time; every party's second weighs the same."""

    party_seconds: float = 0.0
    violated_seconds: float = 0.0
    excess_seconds: float = 0.0
    node_seconds: float = 0.0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    worst_slowdown: float = 1.0
    placed: int = 0
    refused: int = 0

    def pass_time(self, cluster: Cluster, seconds: float) -> None:
        """Let the cluster stay as it is for a while."""
        if seconds <= 0.0:
            return
        self.seconds += seconds
        for node in cluster.nodes:
            parties = cluster.parties(node)
            if not parties:
                continue
            self.node_seconds += seconds
            self.cpu_seconds += seconds * cluster.requested(node).cpus
            slowdowns = cluster.slowdowns(node)
            for uid, arrival in parties.items():
                excess = slowdowns[uid] / arrival.demand.max_slowdown - 1.0
                self.party_seconds += seconds
                self.worst_slowdown = max(self.worst_slowdown, slowdowns[uid])
                if excess > 0.0:
                    self.violated_seconds += seconds
                    self.excess_seconds += seconds * excess

    def figures(self, cluster: Cluster) -> RunFigures:
        """The sums as means."""
        party_seconds, seconds = max(self.party_seconds, 1e-9), max(self.seconds, 1e-9)
        return RunFigures(
            violated=self.violated_seconds / party_seconds,
            worst_slowdown=self.worst_slowdown,
            mean_excess=self.excess_seconds / party_seconds,
            placed=self.placed,
            refused=self.refused,
            nodes_used=self.node_seconds / seconds,
            load=self.cpu_seconds / seconds / cluster.cpus,
        )
