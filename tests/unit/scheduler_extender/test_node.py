"""What is read of a Node."""

import json
from datetime import UTC, datetime

import pytest

from scheduler_extender.errors import ExtenderError
from scheduler_extender.node import Node, parse_node
from scheduler_extender.topology import TopologyPolicy

CREATED = datetime(2026, 11, 1, tzinfo=UTC)


def node(**metadata: object) -> bytes:
    return json.dumps({"metadata": {"name": "n", "creationTimestamp": "2026-11-01T00:00:00Z", **metadata}}).encode()


@pytest.mark.parametrize("labels", [{}, {"labels": None}, {"labels": {}}, {"labels": {"a": "b"}}], ids=str)
def test_a_node_without_the_label_says_nothing_of_its_policy(labels: dict[str, object]) -> None:
    assert parse_node(node(**labels)) == Node(created=CREATED)


@pytest.mark.parametrize("policy", TopologyPolicy)
def test_the_label_names_the_policy(policy: TopologyPolicy) -> None:
    found = parse_node(node(labels={"leeward.dev/topology-policy": policy.value}))
    assert found == Node(created=CREATED, topology_policy=policy)


@pytest.mark.parametrize("text", ["", "None", "Single-Numa-Node", "x" * 63])
def test_a_label_that_cant_be_followed_is_complained_of_and_the_node_is_known(text: str) -> None:
    found = parse_node(node(labels={"leeward.dev/topology-policy": text}))
    assert (found.created, found.topology_policy) == (CREATED, None)
    assert repr(text[:40]) in found.complaint


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"metadata": {"name": "n"}}', node(creationTimestamp="yesterday"), node(labels=["a"])],
    ids=str,
)
def test_what_is_no_node_is_refused(content: bytes) -> None:
    with pytest.raises(ExtenderError, match="Node is refused"):
        parse_node(content)
