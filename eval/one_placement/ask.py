"""kube-scheduler's questions, as it really sent them once, put to a running extender.

The bodies were captured from kube-scheduler 1.36.2 asking about three pods and sixteen nodes: a user plane function
that requires its tolerance, a firewall without annotations, a tolerant batch job. The last two name no profile.
"""

import http.client
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from eval.errors import EvaluationError
from eval.one_placement.answer import NodeAnswer, NodeShown, Placement, PodAnswer
from eval.one_placement.measured import MeasuredCluster
from eval.testbed.catalogue import workload
from scheduler_extender.wire import parse_args

CAPTURED = ("upf", "firewall", "batch")
TRUTH_OF = "upf-large"
"""The workload that the first of them names in its label."""

_TIMEOUT_SECONDS = 30.0


def captured_request(name: str) -> bytes:
    """One of ``CAPTURED``: the body of ``ExtenderArgs`` with names, byte for byte."""
    return (files("eval.one_placement") / f"data/{name}-names-16.json").read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an extender listens."""

    host: str
    port: int


def ask_extender(address: Address, cluster: MeasuredCluster) -> Placement:
    """Send the captured requests to ``/filter``, ``/prioritize`` and ``/explain``, and put the answers together.

    Raises:
        EvaluationError: the extender did not answer with status 200.
    """
    first = captured_request(CAPTURED[0])
    asked_cpus = parse_args(first, limit_bytes=len(first)).pod.exclusive_cpus
    truth = cluster.true_worst_slowdowns(workload(TRUTH_OF), exclusive_cpus=asked_cpus)
    return Placement(
        pods=tuple(_pod_answer(address, captured_request(name)) for name in CAPTURED),
        nodes={
            state.metadata.name: NodeShown(
                regimes="" if state.status is None else ", ".join(entry.regime for entry in state.status.domains),
                tenants=cluster.tenants(state.metadata.name),
                true_worst=truth.get(state.metadata.name),
            )
            for state in cluster.states
        },
        truth_of=TRUTH_OF,
    )


def _pod_answer(address: Address, body: bytes) -> PodAnswer:
    filtered = _post(address, "/filter", body)
    failed = {**(filtered["FailedNodes"] or {}), **(filtered["FailedAndUnresolvableNodes"] or {})}
    scores = {entry["Host"]: entry["Score"] for entry in _post(address, "/prioritize", body)}
    explained = _post(address, "/explain", body)
    return PodAnswer(
        pod=explained["pod"].partition("/")[2],
        known=explained["known"],
        required=explained["required"],
        tolerance=explained["tolerance"],
        passed=len(filtered["NodeNames"]),
        reason=next(iter(failed.values()), ""),
        nodes={entry["node"]: _node_answer(entry, scores[entry["node"]]) for entry in explained["nodes"]},
    )


def _node_answer(entry: dict[str, Any], score: int) -> NodeAnswer:
    worst = entry["parties"][0]
    return NodeAnswer(
        score=score,
        party="itself" if worst["newcomer"] else worst["workload"],
        bound=worst["bound"],
        tolerance=worst["tolerance"],
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
