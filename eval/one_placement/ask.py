"""kube-scheduler's question, as it really sent it once, put to a running extender.

The body was captured from kube-scheduler 1.36.2 asking about a pod named ``upf-large-0`` and sixteen nodes.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from eval.errors import EvaluationError
from eval.one_placement.answer import PlacedNode, Placement
from eval.one_placement.measured import MeasuredCluster
from eval.testbed.workload import workload

_TIMEOUT_SECONDS = 30.0


def captured_request() -> bytes:
    """The body: ``ExtenderArgs`` with names."""
    return (files("eval.one_placement") / "data/upf-names-16.json").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an extender listens."""

    host: str
    port: int


def ask_extender(address: Address, cluster: MeasuredCluster) -> Placement:
    """Send the captured request to ``/filter``, ``/prioritize`` and ``/explain``, and put the answers together.

    Raises:
        EvaluationError: the extender did not answer with status 200.
    """
    body = captured_request()
    failed = _post(address, "/filter", body)["FailedNodes"] or {}
    scores = {entry["Host"]: entry["Score"] for entry in _post(address, "/prioritize", body)}
    explained = _post(address, "/explain", body)
    truth = cluster.true_worst_slowdowns(workload(explained["workload"]))
    tenants = {
        node.name: sum(len(node.occupants(domain.name)) for domain in node.topology.domains) for node in cluster.nodes
    }
    nodes = [
        _placed(entry, score=scores[entry["node"]], failed=failed, tenants=tenants, truth=truth)
        for entry in explained["nodes"]
    ]
    return Placement(
        pod=explained["pod"],
        workload=explained["workload"],
        nodes=tuple(sorted(nodes, key=lambda entry: -entry.score)),
    )


def _placed(
    entry: Mapping[str, Any],
    *,
    score: int,
    failed: Mapping[str, str],
    tenants: Mapping[str, int],
    truth: Mapping[str, float],
) -> PlacedNode:
    name = entry["node"]
    worst = entry["parties"][0] if entry["parties"] else None
    return PlacedNode(
        node=name,
        score=score,
        regimes=", ".join(domain["regime"] for domain in entry["domains"]),
        tenants=tenants[name],
        worst_party="" if worst is None else ("newcomer" if worst["newcomer"] else worst["workload"]),
        bound=None if worst is None else worst["bound"],
        tolerance=None if worst is None else worst["tolerance"],
        failed=failed.get(name, ""),
        true_worst=truth.get(name),
    )


def _post(address: Address, path: str, body: bytes) -> Any:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise EvaluationError(f"the extender answered {path} with {response.status}: {content.decode()[:200]}")
    return json.loads(content)
