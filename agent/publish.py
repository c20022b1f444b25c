"""Where NodeStates go: the port, and its embedded implementation on a state directory."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import PublishError
from contracts.errors import ContractError
from contracts.model import one_sentence
from contracts.nodestate import NodeState, Spec
from serving.replacement import replace_file

NODE_STATES = "nodestates"
"""Directory below the state directory, one ``<node>.json`` each."""

_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a write taught about the object that now stands there.

    Attributes:
        spec: what the administrator has set; ``None`` where nothing is set, or where it is refused.
        spec_refusal: what is wrong with the ``spec`` and what to do; empty where nothing is.
        clock_ahead_seconds: by how much this machine's clock is ahead of the server's, negative where it is behind;
            ``None`` where no other clock was seen.
    """

    spec: Spec | None = None
    spec_refusal: str = ""
    clock_ahead_seconds: float | None = None


class NodeStatePublisher(Protocol):
    """Takes a node's state to its readers, and brings back what the administrator set. For one thread at a time."""

    def publish(self, state: NodeState) -> Published | None:
        """Make ``state`` the node's present state; its ``spec`` is not looked at.

        Returns:
            What was learnt; ``None`` where nothing can be.

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


class _Specified(BaseModel):
    """A NodeState of which only the ``spec`` is looked at."""

    model_config = ConfigDict(extra="ignore")

    spec: Spec | None = None


def spec_in(content: bytes) -> Spec | None:
    """What the administrator has set in a NodeState; the rest of it may be anything.

    Raises:
        ContractError: it is no JSON object, or its ``spec`` breaks the contract; says where and what was meant.
    """
    try:
        return _Specified.model_validate_json(content, strict=True).spec
    except ValidationError as error:
        raise ContractError(one_sentence(error)) from error


class DirectoryPublisher:
    """One JSON file a node, replaced atomically: a reader sees the old state or the new one, never a torn one.

    The ``spec`` in the file is the administrator's and is kept. One that can't be read is told, and the last one that
    could takes its place, as if the edit had been refused. An edit within the very millisecond of a write is lost.
    """

    def __init__(self, state_directory: Path) -> None:
        self._directory = state_directory / NODE_STATES
        self._specs: dict[str, Spec | None] = {}
        self._swept: set[Path] = set()

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

    def publish(self, state: NodeState) -> Published:
        """Write beside, flush to disk, rename over.

        Raises:
            PublishError: the name is not a node's, the state too large, or the directory can't be written.
        """
        name = state.metadata.name
        target = self.path_of(name)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._sweep_once(target)
            refusal = self._read_spec(name, target)
            kept = state.model_copy(update={"spec": self._specs.get(name)})
            replace_file(target, content_of(kept) + b"\n")
        except OSError as error:
            raise PublishError(
                f"NodeState {target} can't be written: {error.strerror}; give the agent a writable state directory"
            ) from error
        return Published(spec=None if refusal else self._specs.get(name), spec_refusal=refusal)

    def _sweep_once(self, target: Path) -> None:
        """Remove what an agent that was killed left of this node's file half-written."""
        if target not in self._swept:
            for unfinished in self._directory.glob(f".{target.name}.*"):
                unfinished.unlink(missing_ok=True)
            self._swept.add(target)

    def _read_spec(self, name: str, path: Path) -> str:
        try:
            self._specs[name] = spec_in(path.read_bytes())
        except FileNotFoundError:
            self._specs.pop(name, None)
        except ContractError as error:
            return f"{path} is refused: {error}; what was set before holds: set it again"
        return ""
