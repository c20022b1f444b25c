"""The nodes' agents: the product's own code from counters to NodeState, paced by the simulation's clock."""

from dataclasses import dataclass

from agent.coverage import coverage_of
from agent.judged import judge_window
from agent.pods import PodPlacement
from agent.publish import NodeStatePublisher
from agent.readings import merge
from agent.regime import RegimePredictor
from agent.settings import AgentSettings
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Coverage, NodeState
from eval.placement.cluster import Cluster
from eval.testbed.kubelet import pod_placement
from eval.testbed.node import SimulatedNode
from eval.testbed.source import SimulatedSource


class Agents:
    """One agent a node.

    A real agent measures window after window and publishes on a change, else as a heartbeat. Here a node is measured
    where it would publish: somebody came or went and a whole window has passed since, or the heartbeat is due. It names
    the pods that were there then: who comes afterwards is in no NodeState until a window has measured him. As a real
    one's, an agent's counters stay open.

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
        self._agents = {name: _Agent(node) for name, node in cluster.nodes.items()}
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
            or now - published >= self._heartbeat_seconds
        )

    def _observed(self, name: str) -> NodeState:
        self._cluster.catch_up(name, short_of_seconds=self._window_seconds)
        agent, node = self._agents[name], self._cluster.nodes[name]
        pods = agent.placement(self._cluster.changed_seconds(name))
        first = merge([agent.source.read()])
        node.advance(self._window_seconds)
        last = merge([agent.source.read()])
        judged = judge_window(
            first,
            last,
            topology=node.topology,
            settings=agent.settings,
            coverage=agent.coverage,
            now=node.now(),
            predictor=self._predictor,
            bundle_digest=self._bundle_digest,
            pods=pods,
        )
        return judged.state


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placement:
    """Where a node's pods are since somebody last came or went."""

    since_seconds: float
    pods: PodPlacement


class _Agent:
    """What an agent keeps from window to window."""

    def __init__(self, node: SimulatedNode) -> None:
        self._node = node
        self._placement: _Placement | None = None
        self.settings = AgentSettings(node=node.name)
        self.source: SimulatedSource = node.source()
        self.coverage: Coverage = coverage_of([self.source.open(FEATURE_SCHEMA_V1.events)])

    def placement(self, since_seconds: float) -> PodPlacement:
        """Where the pods are; looked up anew only where somebody came or went since."""
        if self._placement is None or self._placement.since_seconds != since_seconds:
            self._placement = _Placement(since_seconds=since_seconds, pods=pod_placement(self._node))
        return self._placement.pods
