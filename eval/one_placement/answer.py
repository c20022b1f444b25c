"""What the extender said of one placement, node by node."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedNode:
    """One node's answer.

    Attributes:
        node: its name.
        score: 0 to 10, as kube-scheduler got it.
        regimes: of its sockets.
        tenants: pods that live there.
        worst_party: whose bound is worst against its tolerance; empty where nothing is predicted.
        bound, tolerance: of that party's slowdown; ``None`` where nothing is predicted.
        failed: the filter's reason; empty where the node passes.
        true_worst: the worst true slowdown of any party if the pod came, which only the simulator knows; ``None`` where
            it has no room.
    """

    node: str
    score: int
    regimes: str
    tenants: int
    worst_party: str
    bound: float | None
    tolerance: float | None
    failed: str
    true_worst: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The whole answer.

    Attributes:
        pod: namespace and name of the newcomer.
        workload: its key.
        nodes: the highest score first; of equal ones the order asked.
    """

    pod: str
    workload: str
    nodes: tuple[PlacedNode, ...]

    @property
    def winners(self) -> tuple[str, ...]:
        """Nodes with the highest score."""
        return tuple(entry.node for entry in self.nodes if entry.score == self.nodes[0].score)
