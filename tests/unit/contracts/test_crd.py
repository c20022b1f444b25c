"""The CRD says what the model says: whatever one lets pass, the API server lets pass, and the other way round."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given

from contracts.crd import custom_resource_definition, openapi_schema
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from tests.contract.strategies import node_states
from tests.unit.contracts.test_nodestate import state

ALLOWED = {
    "type", "properties", "required", "items", "enum", "nullable", "format", "pattern", "description",
    "minimum", "maximum", "exclusiveMinimum", "minItems", "maxItems", "minLength", "maxLength",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
}  # fmt: skip


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from parts(inner)
    if "items" in schema:
        yield from parts(schema["items"])


def at(*path: str) -> dict[str, Any]:
    schema = openapi_schema()
    for step in path:
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


def as_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's ``nullable``, in JSON Schema's words."""
    result = {key: value for key, value in schema.items() if key not in {"properties", "items", "nullable"}}
    if "properties" in schema:
        result["properties"] = {key: as_json_schema(value) for key, value in schema["properties"].items()}
        result["additionalProperties"] = False
    if "items" in schema:
        result["items"] = as_json_schema(schema["items"])
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


VALIDATOR = import_module("jsonschema").Draft202012Validator(
    as_json_schema({**openapi_schema(), "properties": {name: at(name) for name in ("spec", "status")}})
)


def complaints(content: dict[str, Any]) -> list[str]:
    served = {key: value for key, value in content.items() if key in {"spec", "status"}}
    return [error.message for error in VALIDATOR.iter_errors(served)]


def test_the_schema_is_structural() -> None:
    for part in parts(openapi_schema()):
        assert part.keys() <= ALLOWED
        assert isinstance(part["type"], str)
        assert "\n" not in part.get("description", "")


def test_lists_are_keyed_where_server_side_apply_needs_it() -> None:
    assert at("status", "domains")["x-kubernetes-list-map-keys"] == ["name"]
    assert at("status", "conditions")["x-kubernetes-list-map-keys"] == ["type"]
    for part in parts(openapi_schema()):
        if part.get("x-kubernetes-list-type") == "map":
            assert set(part["x-kubernetes-list-map-keys"]) <= set(part["items"]["required"])
        assert ("x-kubernetes-list-map-keys" in part) is (part.get("x-kubernetes-list-type") == "map")


def test_arrays_of_values_have_the_schemas_length_and_range() -> None:
    features = at("status", "domains", "[]", "features")
    assert (features["minItems"], features["maxItems"]) == (len(FEATURE_SCHEMA_V1),) * 2
    assert features["items"] == {"type": "number", "minimum": 0.0, "maximum": 10.0, "nullable": True}


def test_printer_columns_point_at_fields() -> None:
    (version,) = custom_resource_definition()["spec"]["versions"]
    for column in version["additionalPrinterColumns"]:
        steps = column["jsonPath"].split("[")[0].strip(".").split(".")
        assert at(*steps)["type"] in {"string", "integer", "array"}, column


def test_status_is_a_subresource_of_a_cluster_scoped_kind() -> None:
    specification = custom_resource_definition()["spec"]
    (version,) = specification["versions"]
    assert (specification["scope"], version["subresources"], version["storage"]) == ("Cluster", {"status": {}}, True)


@given(node_states())
def test_the_api_server_takes_whatever_the_model_writes(given_state: NodeState) -> None:
    assert complaints(json.loads(given_state.to_json())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status", "domains", 0, "features", 0), 11.0),
        (("status", "domains", 0, "features", 0), -0.1),
        (("status", "domains", 0, "features"), [0.5]),
        (("status", "domains", 0, "axes", "llc"), 1.5),
        (("status", "domains", 0, "regime"), "busy"),
        (("status", "domains", 0, "pods"), ["a b"]),
        (("status", "domains", 0, "name"), ""),
        (("status", "featureSchema"), "sha256:0"),
        (("status", "coverage", "opened"), -1),
        (("status", "heartbeat"), 5),
        (("status", "omittedPods"), "3"),
        (("spec",), {"windowSeconds": 0.5}),
        (("spec",), {"eventGroups": ["gpu"]}),
        (("spec",), {"isolatedCpus": "often"}),
    ],
)
def test_the_api_server_refuses_what_the_model_refuses(path: tuple[str | int, ...], value: object) -> None:
    content = json.loads(state().to_json())
    assert complaints(content) == []
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert complaints(content)
    with pytest.raises(ValueError, match="NodeState is refused"):
        NodeState.from_json(json.dumps(content))
