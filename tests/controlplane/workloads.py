"""Pods for the shipped scheduler, and what becomes of them."""

import itertools
from collections.abc import Mapping
from typing import Any

from tests.controlplane.rig import SCHEDULER, ControlPlane
from tests.unit.live_server import eventually

PODS = "/api/v1/namespaces/default/pods"
PLACED_SECONDS = 60.0
_NUMBERS = itertools.count()

TOLERANT = {"leeward.dev/max-slowdown": "2.5"}
DEMANDING = {"leeward.dev/max-slowdown": "1.01", "leeward.dev/enforcement": "required"}
"""Tolerates less than any node promises."""


def ask_for_pod(plane: ControlPlane, *, annotations: Mapping[str, str] | None = None) -> str:
    """A pod that waits for the scheduler; its name."""
    name = f"cnf-{next(_NUMBERS)}"
    plane.administrator.create(PODS, pod_document(name, annotations=annotations))
    return name


def pod_document(
    name: str,
    *,
    profile: str = "upf-large",
    cpus: str = "1",
    annotations: Mapping[str, str] | None = None,
    node: str = "",
) -> dict[str, Any]:
    """A guaranteed pod of one container, as its owner writes it; one that names its node needs no scheduler."""
    need = {"cpu": cpus, "memory": "1Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {"leeward.dev/profile": profile},
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "schedulerName": SCHEDULER,
            **({"nodeName": node} if node else {}),
            "containers": [{"name": "cnf", "image": "cnf", "resources": {"requests": need, "limits": need}}],
        },
    }


def node_of(plane: ControlPlane, pod: str) -> str:
    """Where the scheduler put it, once it runs there."""
    eventually(lambda: _pod(plane, pod)["status"]["phase"] == "Running", seconds=PLACED_SECONDS)
    return str(_pod(plane, pod)["spec"]["nodeName"])


def is_bound(plane: ControlPlane, pod: str) -> bool:
    """Whether the scheduler has found a node for it."""
    return bool(_pod(plane, pod)["spec"].get("nodeName"))


def refusals_of(plane: ControlPlane, pod: str) -> list[str]:
    """The messages of its ``FailedScheduling`` events; waits for the first."""
    selector = f"involvedObject.name={pod},reason=FailedScheduling"

    def found() -> list[str]:
        events = plane.administrator.get("/api/v1/namespaces/default/events", fieldSelector=selector)["items"]
        return [event["message"] for event in events]

    eventually(found, seconds=PLACED_SECONDS)
    return found()


def _pod(plane: ControlPlane, name: str) -> dict[str, Any]:
    return plane.administrator.get(f"{PODS}/{name}")
