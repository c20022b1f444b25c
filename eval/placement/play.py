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
    return game.ledger.figures(cluster)


class _Game:
    """Who will leave when, and what has been counted."""

    def __init__(self, schedule: Schedule, policy: Policy, cluster: Cluster) -> None:
        self.ledger = Ledger()
        self._schedule = schedule
        self._policy = policy
        self._cluster = cluster
        self._ends: list[tuple[float, str]] = []

    def move_on(self, to_seconds: float) -> None:
        """Time passes; those whose stay is over by then leave, one after another."""
        while self._ends and self._ends[0][0] <= to_seconds:
            end_seconds, uid = heapq.heappop(self._ends)
            self._pass_time(end_seconds)
            self._cluster.remove(uid)
            self._policy.ended(uid)
        self._pass_time(to_seconds)

    def admit(self, arrival: Arrival) -> None:
        """Place a pod, or refuse it."""
        feasible = self._cluster.feasible(arrival)
        node = self._policy.choose(arrival, feasible) if feasible else None
        if node is None:
            self.ledger.refused += 1
            return
        is_measured = arrival.at_seconds > self._schedule.measured_from_seconds
        before = self._cluster.slowdowns(node) if is_measured else {}
        self._cluster.place(arrival, node)
        self._policy.bound(arrival, node)
        if is_measured:
            self.ledger.came(self._cluster, node, before=before)
        self.ledger.placed += 1
        heapq.heappush(self._ends, (arrival.until_seconds, arrival.uid))

    def _pass_time(self, to_seconds: float) -> None:
        """It counts from when the measurement begins."""
        since = max(self._cluster.now_seconds, self._schedule.measured_from_seconds)
        self.ledger.pass_time(self._cluster, to_seconds - since)
        self._cluster.now_seconds = to_seconds
