"""What Feast joins by: a node, a contention domain within it, a workload."""

from typing import NamedTuple

from feast import Entity, ValueType

from feature_repo.names import OWNER


class Entities(NamedTuple):
    """All entities."""

    node: Entity
    domain: Entity
    workload: Entity


def entities() -> Entities:
    """All entities; each is a string, and its own join key."""
    return Entities(
        node=_entity("node", "Kubernetes node's name"),
        domain=_entity("domain", "Contention domain within the node: a socket, or a sub-NUMA cluster"),
        workload=_entity("workload", "Key of a workload's profile: the label leeward.dev/profile, else a digest"),
    )


def _entity(name: str, description: str) -> Entity:
    return Entity(name=name, join_keys=[name], value_type=ValueType.STRING, description=description, owner=OWNER)
