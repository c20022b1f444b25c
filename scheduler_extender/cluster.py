"""The ports on the API server: NodeStates, pods, and which nodes there are."""

from collections.abc import Callable

from contracts.nodestate import GROUP, PLURAL, VERSION, NodeState
from scheduler_extender.api_server import ApiServer
from scheduler_extender.intake import News
from scheduler_extender.node import Node, parse_node
from scheduler_extender.node_state import read_node_state
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.reflector import Reflector, Resource

_METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""A whole Node is 10 KB and more, and changes with every heartbeat. A list has a name of its own: asked for by that of
its objects it is refused with 406 (``asPartialObjectMetadata`` in apiserver's ``pkg/endpoints/handlers/response.go``).
"""


NODE_STATES: Resource[NodeState] = Resource(path=f"/apis/{GROUP}/{VERSION}/{PLURAL}", read=read_node_state)
PODS: Resource[Pod] = Resource(path="/api/v1/pods", read=parse_pod, by_uid=True)
NODES: Resource[Node] = Resource(
    path="/api/v1/nodes", read=parse_node, accept=_METADATA_ALONE, accept_list=_METADATA_LIST
)


class Cluster:
    """The three of them on one API server, each in a thread of its own."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.node_states = Reflector(server, NODE_STATES)
        self.pods = Reflector(server, PODS)
        self.nodes = Reflector(server, NODES)
        self._whole = False

    def follow(self, heard: Callable[[], None]) -> None:
        """Begin; ``heard`` is called in one of the threads whenever there is something to take over."""
        for reflector in (self.nodes, self.pods, self.node_states):
            reflector.start(heard)

    def news(self, *, seconds: float) -> News | None:
        """Some of what came since the last call, of one kind; ``None`` where nothing did.

        Pods come before NodeStates, so that who is in a state is known when it is taken over.

        Args:
            seconds: about how long it may take.
        """
        all_read = all(each.synced for each in (self.nodes, self.pods, self.node_states))
        if self.nodes.waiting:
            return News(nodes=self.nodes.changes(seconds=seconds))
        if self.pods.waiting:
            return News(pods=self.pods.changes(seconds=seconds))
        if self.node_states.waiting:
            return News(node_states=self.node_states.changes(seconds=seconds))
        self._whole = self._whole or all_read
        return None

    @property
    def synced(self) -> bool:
        """Whether all that there was at the start has been read, and handed out as news."""
        return self._whole

    @property
    def complaint(self) -> str:
        """Why one of them can't be followed at present; empty where all can."""
        found = (self.node_states.complaint, self.pods.complaint, self.nodes.complaint)
        return next(filter(None, found), "")

    def close(self) -> None:
        """Stop following."""
        for reflector in (self.node_states, self.pods, self.nodes):
            reflector.close()
