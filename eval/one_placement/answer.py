"""What the extender answered, pod by pod and node by node."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """One node for one pod.

    Attributes:
        score: 0 to 10, as kube-scheduler gets it.
        party: whose bound is worst against its tolerance, if the pod came: a resident's workload, or ``itself``.
        bound, tolerance: of that party's slowdown.
    """

    score: int
    party: str
    bound: float
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAnswer:
    """All nodes for one pod.

    Attributes:
        pod: its name.
        known: its workload has a profile; else the worst of the known ones stands in.
        required: it is to run nowhere that its tolerance is not promised.
        tolerance: the slowdown that it tolerates.
        passed: nodes that the filter lets pass.
        reason: why the filter fails the others; empty where it fails none.
        nodes: by name.
    """

    pod: str
    known: bool
    required: bool
    tolerance: float
    passed: int
    reason: str
    nodes: dict[str, NodeAnswer]

    @property
    def winners(self) -> tuple[str, ...]:
        """Nodes with the highest score."""
        highest = max(answer.score for answer in self.nodes.values())
        return tuple(name for name, answer in self.nodes.items() if answer.score == highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShown:
    """What a node showed.

    Attributes:
        regimes: of its sockets.
        tenants: workloads and stressors that run there.
        true_worst: the worst true slowdown of any party if the first pod's workload came, which only the simulator
            knows; ``None`` where it has no room.
    """

    regimes: str
    tenants: int
    true_worst: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Everything asked and answered.

    Attributes:
        pods: in the order asked.
        nodes: by name.
        truth_of: workload that ``true_worst`` is of.
    """

    pods: tuple[PodAnswer, ...]
    nodes: dict[str, NodeShown]
    truth_of: str
