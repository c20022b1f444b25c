"""The CustomResourceDefinition of NodeState, made from the pydantic model.

Kubernetes wants a *structural* schema: no ``$ref``, no ``anyOf`` for optional values but ``nullable``, no titles. See
"Extend the Kubernetes API with CustomResourceDefinitions", section "Specifying a structural schema".
"""

from collections.abc import Mapping
from typing import Any

from contracts.canonical import digest
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import on_the_wire, without_prose
from contracts.nodestate import (
    FEATURE_DECIMALS,
    GROUP,
    KIND,
    MAXIMUM_BYTES,
    MAXIMUM_PODS,
    PLURAL,
    PROBABILITY_DECIMALS,
    VERSION,
    NodeState,
)

_DROPPED = frozenset({"title", "default", "const"})
_SERVER_OWNED = ("apiVersion", "kind", "metadata")


def openapi_schema() -> dict[str, Any]:
    """The structural OpenAPI v3 schema of a NodeState, without the parts that the API server owns."""
    raw = NodeState.model_json_schema(by_alias=True, mode="validation")
    schema = _structural(raw, raw["$defs"])
    properties = {name: part for name, part in schema["properties"].items() if name not in _SERVER_OWNED}
    return {
        "type": "object",
        "description": "What one node's Leeward agent saw of contention on shared hardware.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **properties,
        },
    }


def _structural(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        target = definitions[part["$ref"].removeprefix("#/$defs/")]
        return _structural({**target, **{k: v for k, v in part.items() if k != "$ref"}}, definitions)
    if "anyOf" in part:
        return _nullable(part, definitions)
    result: dict[str, Any] = {}
    for key, value in part.items():
        if key in _DROPPED or key in {"$defs", "additionalProperties", "properties", "items"}:
            continue
        result[key] = on_the_wire(value, part.get("properties", ())) if key == "description" else value
    if "properties" in part:
        result["properties"] = {name: _structural(value, definitions) for name, value in part["properties"].items()}
    if "items" in part:
        result["items"] = _structural(part["items"], definitions)
    if result.get("type") == "integer":
        result["format"] = "int64"
    return result


def _nullable(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    options = [option for option in part["anyOf"] if option.get("type") != "null"]
    if len(options) != 1 or len(part["anyOf"]) != 2:
        raise ContractError(f"NodeState has a union that no structural schema can say: {part['anyOf']}")
    return {**_structural(options[0], definitions), "nullable": True}


def custom_resource_definition() -> dict[str, Any]:
    """The whole CRD, ready to be written as YAML."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "plural": PLURAL,
                "singular": KIND.lower(),
                "kind": KIND,
                "listKind": f"{KIND}List",
                "shortNames": ["lns"],
                "categories": ["leeward"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _printer_columns(),
                    "schema": {"openAPIV3Schema": openapi_schema()},
                }
            ],
        },
    }


def _printer_columns() -> list[dict[str, Any]]:
    def condition(kind: str) -> str:
        return f'.status.conditions[?(@.type=="{kind}")].status'

    return [
        {"name": "Regimes", "type": "string", "jsonPath": ".status.regimes"},
        {"name": "Ready", "type": "string", "jsonPath": condition("Ready")},
        {"name": "Characterised", "type": "string", "jsonPath": condition("Characterised")},
        {"name": "Events", "type": "integer", "jsonPath": ".status.coverage.opened"},
        {"name": "Heartbeat", "type": "date", "jsonPath": ".status.heartbeat"},
        {"name": "Agent", "type": "string", "jsonPath": ".status.agentVersion", "priority": 1},
        {"name": "Bundle", "type": "string", "jsonPath": ".status.bundleDigest", "priority": 1},
    ]


NODE_STATE_DIGEST_V1 = digest(
    {
        "contract": "node-state",
        "version": 1,
        "schema": without_prose(openapi_schema()),
        "features": FEATURE_SCHEMA_V1.digest,
        "featureDecimals": FEATURE_DECIMALS,
        "probabilityDecimals": PROBABILITY_DECIMALS,
        "maximumBytes": MAXIMUM_BYTES,
        "maximumPods": MAXIMUM_PODS,
    }
)
