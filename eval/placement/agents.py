"""The nodes' agents: the product's own code from counters to NodeState, paced by the simulation's clock."""

from agent.once import observe
from agent.publish import NodeStatePublisher
from agent.regime import RegimePredictor
from agent.settings import AgentSettings
from contracts.nodestate import NodeState
from eval.placement.cluster import Cluster
from eval.testbed.kubelet import pod_placement


class Agents:
    """One agent a node.

    A real agent measures window after window and publishes on a change, else as a heartbeat. Here a node is measured
    where it would publish: somebody came or went and a whole window has passed since, or the heartbeat is due. It names
    the pods that were there then: who comes afterwards is in no NodeState until a window has measured him.

    Args:
        cluster: the nodes.
        publisher: where NodeStates go.
        window_seconds, heartbeat_seconds: as in the agents' settings.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        publisher: NodeStatePublisher,
        window_seconds: float,
        heartbeat_seconds: float,
        predictor: RegimePredictor | None = None,
        bundle_digest: str | None = None,
    ) -> None:
        self._cluster = cluster
        self._publisher = publisher
        self._window_seconds = window_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._predictor = predictor
        self._bundle_digest = bundle_digest
        self._published_seconds: dict[str, float] = {}

    def report(self) -> None:
        """Publish what is due by now."""
        for name in self._cluster.nodes:
            if self._is_due(name):
                self._publisher.publish(self._observed(name))
                self._published_seconds[name] = self._cluster.now_seconds

    def _is_due(self, node: str) -> bool:
        now, changed = self._cluster.now_seconds, self._cluster.changed_seconds(node)
        if now - changed < self._window_seconds:
            return False
        published = self._published_seconds.get(node)
        return (
            published is None
            or published < changed + self._window_seconds
            or (now - published >= self._heartbeat_seconds)
        )

    def _observed(self, name: str) -> NodeState:
        self._cluster.catch_up(name, short_of_seconds=self._window_seconds)
        node = self._cluster.nodes[name]
        return observe(
            [node.source()],
            node.topology,
            AgentSettings(node=name),
            predictor=self._predictor,
            bundle_digest=self._bundle_digest,
            pods=pod_placement(node),
            window_seconds=self._window_seconds,
            clock=node.now,
            sleep=node.advance,
        )
