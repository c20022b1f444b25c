"""Where NodeStates go: the port, and its embedded implementation on a state directory."""

import re
from pathlib import Path
from typing import Protocol

from agent.errors import PublishError
from contracts.errors import ContractError
from contracts.nodestate import NodeState
from serving.replacement import replace_file

NODE_STATES = "nodestates"
"""Directory below the state directory, one ``<node>.json`` each."""

_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class NodeStatePublisher(Protocol):
    """Takes a node's state to its readers."""

    def publish(self, state: NodeState) -> None:
        """Make ``state`` the node's present state.

        Raises:
            PublishError: it can't be put there.
        """


def content_of(state: NodeState) -> bytes:
    """The state as JSON.

    Raises:
        PublishError: the contract allows no object of that size.
    """
    try:
        return state.to_json()
    except ContractError as error:
        raise PublishError(str(error)) from error


class DirectoryPublisher:
    """One JSON file a node, replaced atomically: a reader sees the old state or the new one, never a torn one."""

    def __init__(self, state_directory: Path) -> None:
        self._directory = state_directory / NODE_STATES

    def path_of(self, node: str) -> Path:
        """Where a node's state lies.

        Raises:
            PublishError: the name is no DNS-1123 subdomain, as node names are.
        """
        if _NODE_NAME.fullmatch(node) is None:
            raise PublishError(
                f"node name {node!r} is no DNS-1123 subdomain: use lower case letters, digits, '-' and '.'"
            )
        return self._directory / f"{node}.json"

    def publish(self, state: NodeState) -> None:
        """Write beside, flush to disk, rename over.

        Raises:
            PublishError: the name is not a node's, the state too large, or the directory can't be written.
        """
        target = self.path_of(state.metadata.name)
        content = content_of(state) + b"\n"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            replace_file(target, content)
        except OSError as error:
            raise PublishError(
                f"NodeState {target} can't be written: {error.strerror}; give the agent a writable state directory"
            ) from error
