"""A node on the bench: windows of it, seen as the agent sees them."""

from collections.abc import Iterator, Sequence

from agent.window import vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from eval.testbed.node import SimulatedNode

Experiment = Iterator[None]
"""Changes what runs on one domain, then yields; when it is resumed, one window has passed."""


class Bench:
    """One node, its counters open, and the vectors that it showed.

    Args:
        node: the node.
        window_seconds: of simulated time, above zero.
    """

    def __init__(self, node: SimulatedNode, *, window_seconds: float) -> None:
        self.node = node
        self.vectors: list[FeatureVector] = []
        self._window_seconds = window_seconds
        self._source = node.source()
        self._source.open(FEATURE_SCHEMA_V1.events)
        self._latest: dict[str, FeatureVector] = {}

    def latest(self, domain: str) -> FeatureVector:
        """The domain's last vector."""
        return self._latest[domain]

    def take_vectors(self) -> tuple[FeatureVector, ...]:
        """All vectors since they were last taken, in the order of time."""
        taken, self.vectors = tuple(self.vectors), []
        return taken

    def run(self, experiments: Sequence[Experiment]) -> None:
        """Run experiments, one a domain, side by side until all have ended."""
        running = list(experiments)
        while running:
            running = [experiment for experiment in running if _goes_on(experiment)]
            if running:
                self._window()

    def _window(self) -> None:
        first = self._source.read()
        self.node.advance(self._window_seconds)
        last = self._source.read()
        vectors = vectors_between(first, last, node=self.node.name, topology=self.node.topology)
        self._latest = {vector.domain: vector for vector in vectors}
        self.vectors.extend(vectors)


def _goes_on(experiment: Experiment) -> bool:
    try:
        next(experiment)
    except StopIteration:
        return False
    return True
