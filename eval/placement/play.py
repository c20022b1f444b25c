"""One schedule under one policy, from the first arrival to the end."""

import heapq

from eval.placement.arrivals import Arrival, Schedule
from eval.placement.cluster import Cluster
from eval.placement.ledger import Ledger, RunFigures
from eval.placement.policy import Policy


def play(schedule: Schedule, policy: Policy, cluster: Cluster) -> RunFigures:
    """Let pods come and go; who finds no node is refused.

    Args:
        schedule: who comes when.
        policy: where to.
        cluster: empty.
    """
    game = _Game(schedule, policy, cluster)
    for arrival in schedule.arrivals:
        game.move_on(arrival.at_seconds)
        game.admit(arrival)
    game.move_on(schedule.end_seconds)
    game.close()
    return game.ledger.figures(cluster)


class _Game:
    """Who will leave when, and what has been counted; each node's time is counted when somebody comes or goes there."""

    def __init__(self, schedule: Schedule, policy: Policy, cluster: Cluster) -> None:
        self.ledger = Ledger()
        self._schedule = schedule
        self._policy = policy
        self._cluster = cluster
        self._ends: list[tuple[float, str]] = []
        self._counted_seconds = dict.fromkeys(cluster.nodes, schedule.measured_from_seconds)

    def move_on(self, to_seconds: float) -> None:
        """Time passes; those whose stay is over by then leave, one after another."""
        while self._ends and self._ends[0][0] <= to_seconds:
            self._cluster.now_seconds, uid = heapq.heappop(self._ends)
            node = self._cluster.home(uid)
            if node is not None:
                self._count(node)
            self._cluster.remove(uid)
            self._policy.ended(uid)
        self._cluster.now_seconds = to_seconds

    def admit(self, arrival: Arrival) -> None:
        """Place a pod, or refuse it."""
        feasible = self._cluster.feasible(arrival)
        node = self._policy.choose(arrival, feasible) if feasible else None
        if node is None:
            self.ledger.refused += 1
            return
        self._count(node)
        is_measured = arrival.at_seconds > self._schedule.measured_from_seconds
        before = self._cluster.slowdowns(node) if is_measured else {}
        self._cluster.place(arrival, node)
        self._policy.bound(arrival, node)
        if is_measured:
            self.ledger.came(self._cluster, node, before=before)
        self.ledger.placed += 1
        heapq.heappush(self._ends, (arrival.until_seconds, arrival.uid))

    def close(self) -> None:
        """Count up to now on every node."""
        for node in self._cluster.nodes:
            self._count(node)
        self.ledger.seconds = max(self._cluster.now_seconds - self._schedule.measured_from_seconds, 0.0)

    def _count(self, node: str) -> None:
        """It counts from when the measurement begins."""
        now = self._cluster.now_seconds
        if now > self._counted_seconds[node]:
            self.ledger.stayed(self._cluster, node, now - self._counted_seconds[node])
            self._counted_seconds[node] = now
