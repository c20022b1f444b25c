"""What is no NodeState of this contract: of another one, or torn, or a lie."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from scheduler_extender.errors import ExtenderError, OtherContractError
from scheduler_extender.node_state import read_node_state
from tests.unit.scheduler_extender.small_cluster import QUIET, node_state

OTHER_DIGEST = "sha256:" + "0" * 64
LAWFUL: dict[str, Any] = json.loads(node_state("n", QUIET).to_json())


def document(*, status: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A NodeState with something else in it, or in its status."""
    return json.dumps(LAWFUL | {"status": LAWFUL["status"] | (status or {})} | changes).encode()


def test_a_lawful_one_is_read() -> None:
    assert read_node_state(document()) == node_state("n", QUIET)


@pytest.mark.parametrize(
    "content",
    [
        document(apiVersion="leeward.dev/v2"),
        document(apiVersion="leeward.dev/v2", status={"domains": "elsewhere"}),
        document(status={"featureSchema": OTHER_DIGEST}),
        document(status={"featureSchema": OTHER_DIGEST, "heartbeat": "never", "something": "new"}),
    ],
    ids=["version", "version, and all else", "schema", "schema, and all else"],
)
def test_one_of_another_contract_is_said_to_be(content: bytes) -> None:
    with pytest.raises(OtherContractError):
        read_node_state(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        document()[:-1],
        document(status={"featureSchema": OTHER_DIGEST})[:-1],
        document(status={"featureSchema": "sha256:0"}),
        document(status={"featureSchema": 7}),
        document(apiVersion="example.org/v1"),
        document(apiVersion=None),
        document(kind="Pod"),
        document(status={"heartbeat": "never"}),
        b"[" * 100_000,
    ],
    ids=[
        "empty",
        "torn",
        "torn, another",
        "no digest",
        "a number",
        "another group",
        "no version",
        "kind",
        "date",
        "deep",
    ],
)
def test_one_that_breaks_the_contract_is_of_no_other(content: bytes) -> None:
    with pytest.raises(ContractError):
        read_node_state(content)


@pytest.mark.parametrize("name", ['a"b', "A", "a_b", "-", "a" * 254])
def test_one_that_is_named_as_no_node_can_be_is_refused(name: str) -> None:
    with pytest.raises((ExtenderError, ContractError)) as refusal:
        read_node_state(document(metadata={"name": name}))
    assert not isinstance(refusal.value, OtherContractError)


@given(st.binary(max_size=200))
def test_whatever_else_is_refused_in_words(content: bytes) -> None:
    with pytest.raises((ExtenderError, ContractError)):
        read_node_state(content)
