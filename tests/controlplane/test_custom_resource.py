"""The CRD as ``infra/`` ships it, on a real API server."""

from typing import Any

import pytest

from contracts.nodestate import API_VERSION, KIND
from tests.controlplane.api_client import ApiRefusal
from tests.controlplane.rig import ControlPlane

NODE_STATES = "/apis/leeward.dev/v1/nodestates"


def stated(name: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, **parts}


def test_it_is_established_with_its_names(plane: ControlPlane) -> None:
    crd = plane.administrator.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodestates.leeward.dev")
    conditions = {entry["type"]: entry["status"] for entry in crd["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"


def test_a_state_that_breaks_the_schema_is_refused_and_the_field_named(plane: ControlPlane) -> None:
    path = f"{NODE_STATES}/breaks-the-schema"
    plane.administrator.apply(path, stated("breaks-the-schema"))
    with pytest.raises(ApiRefusal, match=r"status\.domains") as refused:
        plane.administrator.apply(f"{path}/status", stated("breaks-the-schema", status={"domains": "many"}))
    assert refused.value.status in {422, 500}, "500 where the apply cannot even be typed"
    assert "status" not in plane.administrator.get(path)
    plane.administrator.delete(path)


def test_kubectl_knows_its_short_form_and_columns(plane: ControlPlane) -> None:
    plane.administrator.apply(f"{NODE_STATES}/printed", stated("printed"))
    heading, *rows = plane.kubectl("get", "nodestates").splitlines()
    assert heading.startswith("NAME")
    assert any(row.startswith("printed") for row in rows)
    plane.administrator.delete(f"{NODE_STATES}/printed")
