"""The page at /openapi.json says what the extender takes and answers, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.routing import Route

from scheduler_extender.app import create_app
from scheduler_extender.errors import ArgsError
from scheduler_extender.main import build_extender
from scheduler_extender.openapi import openapi_document
from scheduler_extender.wire import parse_args, refuse_foreign_names, refuse_repeats
from tests.unit.scheduler_extender.asking import QUICK
from tests.unit.scheduler_extender.conftest import Build
from tests.unit.scheduler_extender.small_cluster import DATA, args, captured, place, pod_object

CAPTURED = sorted(path.stem for path in DATA.glob("*-16.json"))
VERBS = ("filter", "prioritize", "explain")
POD = {"metadata": {"name": "x"}}


def complaints(document: dict[str, Any], place: tuple[str, ...], found: object) -> list[str]:
    """What a schema of the page says against a document; ``place`` leads to the media type's object."""
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in (*place, "content", "application/json"))
    validator = Draft202012Validator({**document, "$ref": f"#/paths/{pointer}/schema"})
    return [error.message for error in validator.iter_errors(found)]


def asked(verb: str) -> tuple[str, ...]:
    return f"/{verb}", "post", "requestBody"


MORE_THAN_A_SCHEMA_SAYS = "twice"
"""No JSON schema can say that whole nodes have a name each of their own."""


def answered(path: str, status: int, method: str = "post") -> tuple[str, ...]:
    return path, method, "responses", str(status)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(openapi_document()))
    return document


@pytest.fixture
def client(three_nodes: Path, build: Build) -> TestClient:
    place(three_nodes, pod_object("waiting"), pod_object("bound", node="spr-0002"))
    return TestClient(create_app(build()))


def test_the_page_is_served_and_no_other_that_would_fetch_from_elsewhere(
    client: TestClient, page: dict[str, Any]
) -> None:
    assert client.get("/openapi.json").json() == page
    assert page["openapi"] == "3.1.0"
    assert [client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_every_route_is_described_and_every_description_has_a_route(tmp_path: Path, page: dict[str, Any]) -> None:
    routes = [route for route in create_app(build_extender(tmp_path, QUICK)).routes if isinstance(route, Route)]
    described = {
        (path, verb.upper()) for path, verbs in page["paths"].items() for verb in verbs if verb != "parameters"
    }
    assert described == {(route.path, method) for route in routes for method in route.methods or () if method != "HEAD"}


def test_every_reference_leads_to_a_schema_that_is_one(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = json.dumps(page)
    named = {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert named == set(schemas)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", CAPTURED)
def test_what_kube_scheduler_sends_is_as_described(page: dict[str, Any], verb: str, name: str) -> None:
    assert complaints(page, asked(verb), json.loads(captured(name))) == []


@pytest.mark.parametrize(
    "found",
    [
        [],
        {"NodeNames": ["a"]},
        {"Pod": None, "NodeNames": ["a"]},
        {"Pod": {"metadata": {"name": ""}}, "NodeNames": ["a"]},
        {"Pod": {"metadata": {"name": "x" * 254}}, "NodeNames": ["a"]},
        {"Pod": {"metadata": {"name": "x", "labels": {"a": "x" * 64}}}, "NodeNames": ["a"]},
        {"Pod": {**POD, "spec": {"containers": [{}] * 257}}, "NodeNames": ["a"]},
        {"Pod": POD},
        {"Pod": POD, "Nodes": {"items": []}, "NodeNames": []},
        {"Pod": POD, "NodeNames": ["a", 7]},
        {"Pod": POD, "NodeNames": ["a", "a"]},
        {"Pod": POD, "NodeNames": ["Node"]},
        {"Pod": POD, "Nodes": {"items": [{"metadata": {}}]}},
        {"Pod": POD, "Nodes": {"items": [{"metadata": {"name": "a" * 254}}]}},
    ],
    ids=str,
)
def test_what_is_refused_is_not_described_as_lawful(page: dict[str, Any], found: object) -> None:
    with pytest.raises(ArgsError):
        refused(json.dumps(found).encode())
    assert complaints(page, asked("filter"), found)


def refused(body: bytes) -> None:
    found = parse_args(body, limit_bytes=10**6)
    refuse_repeats(found)
    refuse_foreign_names(found, found.names)


@pytest.mark.parametrize("form", ["filter-upf-names-16", "filter-upf-nodes-16"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_answered_is_as_described(client: TestClient, page: dict[str, Any], verb: str, form: str) -> None:
    assert complaints(page, answered(f"/{verb}", 200), client.post(f"/{verb}", content=captured(form)).json()) == []


def test_a_failed_node_and_a_refused_body_are_as_described(client: TestClient, page: dict[str, Any]) -> None:
    strict = {"leeward.dev/max-slowdown": "1", "leeward.dev/enforcement": "required"}
    found = client.post("/filter", content=args(pod_object("u", annotations=strict), "spr-0001", "spr-0003")).json()
    assert found["FailedAndUnresolvableNodes"]
    assert complaints(page, answered("/filter", 200), found) == []
    refusal = client.post("/filter", content=b"{}")
    assert refusal.status_code == 400
    assert complaints(page, answered("/filter", 400), refusal.json()) == []


def test_a_refused_binding_is_as_described(client: TestClient, page: dict[str, Any]) -> None:
    found = client.post("/bind", content=b"{}")
    assert complaints(page, answered("/bind", found.status_code), found.json()) == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_what_is_told_is_as_described(client: TestClient, page: dict[str, Any], path: str) -> None:
    assert complaints(page, answered(path, 200, "get"), client.get(path).json()) == []


@pytest.mark.parametrize(("name", "status"), [("pod-waiting", 200), ("pod-bound", 200), ("nobody", 404)])
def test_what_is_told_of_a_pod_is_as_described(
    client: TestClient, page: dict[str, Any], name: str, status: int
) -> None:
    found = client.get(f"/explain/default/{name}")
    assert found.status_code == status
    assert complaints(page, answered("/explain/{namespace}/{name}", status, "get"), found.json()) == []


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("verb", VERBS)
def test_whatever_is_made_from_the_page_is_answered_as_the_page_says(
    client: TestClient, verb: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", client.app)[f"/{verb}"]["POST"]

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        answer = case.call()
        case.validate_response(answer, excluded_checks=[positive_data_acceptance, negative_data_rejection])
        lawful = mode is GenerationMode.POSITIVE and MORE_THAN_A_SCHEMA_SAYS not in answer.text
        assert answer.status_code in ({200} if lawful else {400, 413})

    ask()
