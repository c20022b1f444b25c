"""The ports on the API server: NodeStates, pods, and which nodes there are."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

from contracts.nodestate import GROUP, PLURAL, VERSION, NodeState
from scheduler_extender.api_server import ApiServer
from scheduler_extender.errors import ExtenderError
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.reflector import Reflector, Resource

_METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""A whole Node is 10 KB and more, and changes with every heartbeat. A list has a name of its own: asked for by that of
its objects it is refused with 406 (``asPartialObjectMetadata`` in apiserver's ``pkg/endpoints/handlers/response.go``).
"""


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
NODES: Resource[datetime] = Resource(
    path="/api/v1/nodes", read=node_created, accept=_METADATA_ALONE, accept_list=_METADATA_LIST
)


class Cluster:
    """The three of them on one API server, each in a thread of its own."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.node_states = Reflector(server, NODE_STATES)
        self.pods = Reflector(server, PODS)
        self.nodes = Reflector(server, NODES)

    def follow(self, heard: Callable[[], None]) -> None:
        """Begin; ``heard`` is called in one of the threads whenever there is something to take over."""
        for reflector in (self.nodes, self.pods, self.node_states):
            reflector.start(heard)

    @property
    def synced(self) -> bool:
        """Whether all that there was at the start has been read."""
        return self.nodes.synced and self.pods.synced and self.node_states.synced

    @property
    def complaint(self) -> str:
        """Why one of them can't be followed at present; empty where all can."""
        found = (self.node_states.complaint, self.pods.complaint, self.nodes.complaint)
        return next(filter(None, found), "")

    def close(self) -> None:
        """Stop following."""
        for reflector in (self.node_states, self.pods, self.nodes):
            reflector.close()
