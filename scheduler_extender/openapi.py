"""``/openapi.json``: the routes, and the forms that they take and answer, generated from the types that read and write.

OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0: its schemas are JSON Schema 2020-12, which msgspec writes.
"""

from collections.abc import Mapping
from importlib.metadata import version

import msgspec
from pydantic import TypeAdapter

from scheduler_extender.explanation import Explanation
from scheduler_extender.health import Health, Readiness
from scheduler_extender.pod_report import PodReport
from scheduler_extender.wire import (
    ExtenderArgs,
    ExtenderBindingResult,
    ExtenderFilterResult,
    HostPriority,
    NamedNode,
    Refusal,
)

Json = dict[str, object]

_REF = "#/components/schemas/{}"

_WIRE = {
    "ExtenderArgs": ExtenderArgs,
    "ExtenderFilterResult": ExtenderFilterResult,
    "HostPriorityList": list[HostPriority],
    "ExtenderBindingResult": ExtenderBindingResult,
    "Explanation": Explanation,
    "Refusal": Refusal,
    "Health": Health,
    "Readiness": Readiness,
    "NamedNode": NamedNode,
}

_ONE_FORM: Json = {
    "oneOf": [
        {"required": [form], "properties": {form: {"type": kind}, other: {"type": "null"}}}
        for form, kind, other in (("NodeNames", "array", "Nodes"), ("Nodes", "object", "NodeNames"))
    ]
}
"""kube-scheduler sends one of them, and null for the other."""

_WARNING: Json = {
    "Warning": {
        "description": "Nodes without a NodeState, where there are any (RFC 9111, code 299).",
        "schema": {"type": "string"},
    }
}


def openapi_page() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(openapi_document())


def openapi_document() -> Json:
    """The document."""
    found, components = msgspec.json.schema_components(_WIRE.values(), ref_template=_REF.format("{name}"))
    forms: dict[str, Json] = dict(zip(_WIRE, found, strict=True))
    report = TypeAdapter(PodReport).json_schema(mode="serialization", ref_template=_REF.format("{model}"))
    components = report.pop("$defs") | components
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leeward scheduler extender",
            "version": version("leeward"),
            "description": "kube-scheduler's extender protocol, and why it is answered so.",
        },
        "paths": {
            "/filter": _asked("Which nodes are possible for a pod.", forms, "ExtenderFilterResult", warns=True),
            "/prioritize": _asked("How good each node is for a pod, 0 to 10.", forms, "HostPriorityList", warns=True),
            "/explain": _asked("Why each node is scored as it is.", forms, "Explanation", may_fail=True),
            "/bind": _refused_to_bind(forms),
            "/explain/{namespace}/{name}": _told_of_a_pod(forms, report),
            "/healthz": _told("What the extender stands on.", {"200": _json("It answers.", forms["Health"])}),
            "/readyz": _told(
                "Whether the scheduler should ask this replica.",
                {
                    "200": _json("It should.", forms["Readiness"]),
                    "503": _json("The cluster was not read whole yet.", forms["Readiness"]),
                },
            ),
            "/metrics": _told("Counters and gauges.", {"200": _text("Prometheus' text format.")}),
            "/openapi.json": _told("This page.", {"200": _json("OpenAPI 3.1.", {"type": "object"})}),
        },
        "components": {"schemas": components},
    }


def _asked(
    summary: str, forms: Mapping[str, Json], answer: str, *, warns: bool = False, may_fail: bool = False
) -> Json:
    responses = {
        "200": _json(answer, forms[answer]) | ({"headers": _WARNING} if warns else {}),
        "400": _json("The body is malformed, or asks for too much.", forms["Refusal"]),
        "413": _json("The body, or a part of it, is too large.", forms["Refusal"]),
        **_turned_away(forms),
    }
    if may_fail:
        responses["500"] = _json("Nothing can be explained; the log says why.", forms["Refusal"])
    body = {"allOf": [forms["ExtenderArgs"], _ONE_FORM]}
    asked = {"required": True, "content": {"application/json": {"schema": body}}}
    return {"post": {"summary": summary, "requestBody": asked, "responses": responses}}


def _turned_away(forms: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "408": _json("The body did not arrive in time.", forms["Refusal"]),
        "503": _json("Too many requests are under way.", forms["Refusal"]),
    }


def _refused_to_bind(forms: Mapping[str, Json]) -> Json:
    asked = {"content": {"application/json": {"schema": {"type": "object"}}}}
    responses = {
        "200": _json("Nothing was bound, and why.", forms["ExtenderBindingResult"]),
        "400": _json("The body was cut off.", forms["Refusal"]),
        "413": _json("The body is too large.", forms["Refusal"]),
        **_turned_away(forms),
    }
    return {"post": {"summary": "Refuses: Leeward binds no pods.", "requestBody": asked, "responses": responses}}


def _told_of_a_pod(forms: Mapping[str, Json], report: Json) -> Json:
    named: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("namespace", "name")
    ]
    nodes: Json = {
        "name": "node",
        "in": "query",
        "description": "Nodes to explain of a waiting pod; the best ones where none are named.",
        "schema": {"type": "array", "items": {"type": "string"}},
    }
    responses = {
        "200": _json("Why nodes score as they do for it, or what was decided when it was bound.", report),
        "404": _json("No such pod is known.", forms["Refusal"]),
        "500": _json("Nothing can be explained; the log says why.", forms["Refusal"]),
    }
    described = _told("What is to be said of one pod.", responses)
    return {"parameters": [*named, nodes], **described}


def _told(summary: str, responses: Mapping[str, Json]) -> Json:
    return {"get": {"summary": summary, "responses": responses}}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(description: str) -> Json:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}
