"""Reads NodeStates, and tells one of another contract from one that is torn or lies."""

from typing import Annotated

import msgspec

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import API_VERSION, GROUP, NodeState
from scheduler_extender.errors import ExtenderError, OtherContractError
from scheduler_extender.pod import NODE_NAME


class _Status(msgspec.Struct, rename="camel"):
    feature_schema: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")] = FEATURE_SCHEMA_V1.digest


class _Versions(msgspec.Struct, rename="camel"):
    """What says by which contract a NodeState was written; an API server's lists leave ``apiVersion`` out."""

    api_version: Annotated[str, msgspec.Meta(pattern=f"^{GROUP}/v[0-9]+$")] = API_VERSION
    status: _Status | None = None


_VERSIONS = msgspec.json.Decoder(_Versions)


def read_node_state(content: bytes) -> NodeState:
    """Read a NodeState.

    Raises:
        OtherContractError: another version of the resource, or vectors of another schema.
        ContractError: it is torn, or breaks the contract.
        ExtenderError: its name is no node's.
    """
    try:
        found = NodeState.from_json(content)
    except ContractError as error:
        if _is_of_another_contract(content):
            raise OtherContractError(str(error)) from error
        raise
    if NODE_NAME.fullmatch(found.metadata.name) is None:
        raise ExtenderError(f"it is of {found.metadata.name[:40]!r}, which is no node's name (DNS-1123)")
    return found


def _is_of_another_contract(content: bytes) -> bool:
    try:
        found = _VERSIONS.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    schema = FEATURE_SCHEMA_V1.digest if found.status is None else found.status.feature_schema
    return (found.api_version, schema) != (API_VERSION, FEATURE_SCHEMA_V1.digest)
