"""Pods as Kubernetes writes them, and what kube-scheduler sends an extender."""

import json
from datetime import datetime

from contracts.profile import PROFILE_LABEL
from eval.placement.arrivals import Arrival
from eval.placement.demand import GIBIBYTE
from scheduler_extender.pod import MAX_SLOWDOWN

NAMESPACE = "cnf"


def pod_object(arrival: Arrival, *, node: str = "", started: datetime | None = None) -> dict[str, object]:
    """A Guaranteed pod with whole CPUs, which kubelet's static policy pins.

    Args:
        arrival: who comes.
        node: where it is bound, if it is.
        started: when kubelet took it up, UTC.
    """
    demand = arrival.demand
    resources = {"cpu": str(demand.cpus), "memory": f"{demand.memory_bytes // GIBIBYTE}Gi"}
    status: dict[str, object] = {"phase": "Running" if node else "Pending", "qosClass": "Guaranteed"}
    if started is not None:
        status["startTime"] = started.isoformat().replace("+00:00", "Z")
    return {
        "metadata": {
            "name": f"{demand.workload.name}-{arrival.uid}",
            "namespace": NAMESPACE,
            "uid": arrival.uid,
            "labels": {PROFILE_LABEL: demand.workload.name},
            "annotations": {MAX_SLOWDOWN: f"{demand.max_slowdown:g}"},
        },
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": f"registry.example/{demand.workload.name}:1",
                    "resources": {"requests": resources, "limits": resources},
                }
            ],
            **({"nodeName": node} if node else {}),
        },
        "status": status,
    }


def extender_args(arrival: Arrival, nodes: list[str]) -> bytes:
    """``ExtenderArgs`` with names, as kube-scheduler sends them to an extender with ``nodeCacheCapable``."""
    return json.dumps({"Pod": pod_object(arrival), "Nodes": None, "NodeNames": nodes}).encode()
