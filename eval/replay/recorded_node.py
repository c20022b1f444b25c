"""A Node as it is recorded: its age, its labels, and what a scheduler's fit needs. No annotations, no addresses."""

from collections.abc import Mapping

import msgspec

from eval.replay.quantity import CPU, whole_units
from eval.replay.recorded_pod import MEMORY, Quantities, Toleration
from scheduler_extender.errors import ExtenderError
from scheduler_extender.pod import Moment

_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})


class NodeMetadata(msgspec.Struct, rename="camel", omit_defaults=True):
    """As the extender reads it, and the name."""

    name: str
    creation_timestamp: Moment
    labels: dict[str, str] | None = None


class Taint(msgspec.Struct, omit_defaults=True):
    """What keeps pods off that do not tolerate it."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(msgspec.Struct, omit_defaults=True):
    """What keeps pods off."""

    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeStatus(msgspec.Struct, omit_defaults=True):
    """What pods may ask for."""

    allocatable: Quantities | None = None


class RecordedNode(msgspec.Struct, omit_defaults=True):
    """All that is kept of a node."""

    metadata: NodeMetadata
    spec: NodeSpec | None = None
    status: NodeStatus | None = None

    def allocatable(self) -> dict[str, int]:
        """By resource, in the units of ``eval.replay.quantity``.

        Raises:
            PodError: a quantity is none.
        """
        status = self.status or NodeStatus()
        return {resource: whole_units(resource, amount) for resource, amount in (status.allocatable or {}).items()}

    def admits(self, selector: Mapping[str, str], tolerations: list[Toleration]) -> bool:
        """Whether labels, taints and the administrator let a pod come.

        Args:
            selector: labels that it wants.
            tolerations: taints that it puts up with.
        """
        spec, labels = self.spec or NodeSpec(), self.metadata.labels or {}
        if spec.unschedulable or any(labels.get(name) != value for name, value in selector.items()):
            return False
        hard = [taint for taint in spec.taints or () if taint.effect in _KEEPS_OUT]
        return all(any(tolerates(toleration, taint) for toleration in tolerations) for taint in hard)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """As ``ToleratesTaint`` in ``k8s.io/component-helpers/scheduling/corev1/helpers.go`` has it: what is left empty
    matches all, and a value counts only where the operator is ``Equal``.
    """
    return (
        toleration.effect in {"", taint.effect}
        and (toleration.key == taint.key or (not toleration.key and toleration.operator == "Exists"))
        and (toleration.operator == "Exists" or toleration.value == taint.value)
    )


_DECODER = msgspec.json.Decoder(RecordedNode)


def reduced_node(content: bytes) -> bytes:
    """A Node's JSON without what is not kept. ``scheduler_extender.node.parse_node`` reads the same out of both.

    Raises:
        ExtenderError: it is no Node.
    """
    return msgspec.json.encode(read_recorded_node(content))


def read_recorded_node(content: bytes) -> RecordedNode:
    """Read a Node, reduced or whole.

    Raises:
        ExtenderError: it is no Node.
    """
    try:
        return _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ExtenderError(f"Node is refused: {error}") from error


def has_room_at_all(allocatable: Mapping[str, int]) -> bool:
    """Whether pods may run there: it names CPUs and memory above zero, which scores are shares of."""
    return min(allocatable.get(CPU, 0), allocatable.get(MEMORY, 0)) > 0
