"""The ports on the API server: NodeStates, pods, and which nodes there are."""

from datetime import datetime
from typing import Annotated

import msgspec

from contracts.nodestate import GROUP, PLURAL, VERSION, NodeState
from scheduler_extender.errors import ExtenderError
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.reflector import Resource

_METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""A whole Node is 10 KB and more, and changes with every heartbeat; of a list the server answers a list of these."""


class _NodeMetadata(msgspec.Struct, rename="camel"):
    creation_timestamp: Annotated[datetime, msgspec.Meta(tz=True)]


class _Node(msgspec.Struct):
    metadata: _NodeMetadata


_NODE = msgspec.json.Decoder(_Node)


def node_created(content: bytes) -> datetime:
    """When a Node came into the cluster, UTC: what was seen of a node of that name before is another one's.

    Raises:
        ExtenderError: it is no Node.
    """
    try:
        return _NODE.decode(content).metadata.creation_timestamp
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ExtenderError(f"Node is refused: {error}") from error


NODE_STATES: Resource[NodeState] = Resource(path=f"/apis/{GROUP}/{VERSION}/{PLURAL}", read=NodeState.from_json)
PODS: Resource[Pod] = Resource(path="/api/v1/pods", read=parse_pod, by_uid=True)
NODES: Resource[datetime] = Resource(path="/api/v1/nodes", read=node_created, accept=_METADATA_ALONE)
