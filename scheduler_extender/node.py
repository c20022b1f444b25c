"""A Node's metadata as Kubernetes gives it, and what placement needs to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from scheduler_extender.errors import ExtenderError
from scheduler_extender.pod import Moment
from scheduler_extender.topology import TopologyPolicy

TOPOLOGY_POLICY = "leeward.dev/topology-policy"
"""The label by which an operator says a kubelet's ``topologyManagerPolicy``: no API object has it."""


class _Metadata(msgspec.Struct, rename="camel"):
    creation_timestamp: Moment
    labels: dict[str, str] | None = None


class _Node(msgspec.Struct):
    metadata: _Metadata


_DECODER = msgspec.json.Decoder(_Node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What placement needs to know of a node.

    Attributes:
        created: when it came into the cluster: what was seen of a node of that name before is another one's.
        topology_policy: what its label says; ``None`` where it says nothing valid.
        complaint: one sentence where the label can't be followed, else empty.
    """

    created: datetime
    topology_policy: TopologyPolicy | None = None
    complaint: str = ""


def parse_node(content: bytes) -> Node:
    """Read a Node, or its metadata alone.

    Raises:
        ExtenderError: it is no Node.
    """
    try:
        metadata = _DECODER.decode(content).metadata
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ExtenderError(f"Node is refused: {error}") from error
    policy, complaint = _topology_policy(metadata.labels or {})
    return Node(created=metadata.creation_timestamp, topology_policy=policy, complaint=complaint)


def _topology_policy(labels: Mapping[str, str]) -> tuple[TopologyPolicy | None, str]:
    text = labels.get(TOPOLOGY_POLICY)
    if text is None or text in set(TopologyPolicy):
        return None if text is None else TopologyPolicy(text), ""
    meant = ", ".join(TopologyPolicy)
    return None, f"label {TOPOLOGY_POLICY} is {text[:40]!r}: one of {meant} is meant, so the default holds"
