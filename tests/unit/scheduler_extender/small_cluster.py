"""A cluster of a few nodes in a state directory, written as agents and the API server would."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import (
    AxisProbabilities,
    Condition,
    ConditionStatus,
    ConditionType,
    Coverage,
    DomainState,
    Metadata,
    NodeState,
    Status,
    Window,
)
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.regime import Regime
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.service import Answer

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 24, 4, 0, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=10)


def workload(key: str, *, pressure: float, sensitivity: float | None = None) -> WorkloadProfile:
    """All solo values alike; one point of response to memory bandwidth where a sensitivity is given."""
    point = None if sensitivity is None else ResponsePoint(pressure=1.0, slowdown=sensitivity, upper=sensitivity)
    return WorkloadProfile(
        key=key,
        tier=Tier.COUNTERS if point is None else Tier.PROBED,
        solo=(pressure,) * len(FEATURE_SCHEMA_V1),
        responses=() if point is None else (AxisResponse(axis=Axis.MEMBW, points=(point,)),),
        first_seen=NOW - timedelta(days=1),
        last_seen=NOW - timedelta(days=1),
        simulated=True,
    )


KNOWN_PROFILES = (
    workload("upf-large", pressure=0.3, sensitivity=1.4),
    workload("transcode", pressure=0.7, sensitivity=1.0),
    workload("quiet-one", pressure=0.05),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One domain of a fabricated NodeState."""

    pressure: float = 0.1
    regime: Regime = Regime.QUIET
    pressed: float = 0.05
    free: int | None = None
    pods: tuple[str, ...] = ()


QUIET = Domain()
PRESSED = Domain(pressure=0.85, regime=Regime.MEMBW, pressed=0.95)


def node_state(
    node: str,
    *domains: Domain,
    seen: datetime = NOW,
    characterised: bool = True,
    shared: Sequence[str] = (),
) -> NodeState:
    """A NodeState whose windows ended, and whose heartbeat came, at ``seen``."""
    return NodeState(
        metadata=Metadata(name=node),
        status=Status(
            agent_version="test",
            feature_schema=FEATURE_SCHEMA_V1.digest,
            heartbeat=seen,
            regimes=",".join(domain.regime for domain in domains),
            coverage=Coverage(wanted=0, opened=0),
            domains=tuple(
                DomainState(
                    name=f"socket{index}",
                    window=Window(start=seen - WINDOW, end=seen),
                    features=(domain.pressure,) * len(FEATURE_SCHEMA_V1),
                    axes=AxisProbabilities(membw=domain.pressed),
                    regime=domain.regime,
                    free_exclusive_cpus=domain.free,
                    pods=domain.pods,
                )
                for index, domain in enumerate(domains)
            ),
            shared_pods=tuple(shared),
            conditions=(
                Condition(
                    type=ConditionType.CHARACTERISED,
                    status=ConditionStatus.TRUE if characterised else ConditionStatus.FALSE,
                    reason="Test",
                    last_transition_time=seen,
                ),
            ),
        ),
    )


def put(path: Path, content: bytes) -> None:
    """Replace a file atomically, as all who write into a state directory do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{path.name}.new"
    beside.write_bytes(content)
    beside.replace(path)


def publish(state: Path, *states: NodeState) -> None:
    """Write NodeStates."""
    for found in states:
        put(state / "nodestates" / f"{found.metadata.name}.json", found.to_json())


def pod_object(
    uid: str,
    *,
    node: str = "",
    profile: str = "upf-large",
    cpus: str = "4",
    started: datetime | None = None,
    annotations: Mapping[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A Pod as Kubernetes gives it; ``changes`` are ``namespace``, ``phase`` and ``qos``."""
    return {
        "metadata": {
            "name": f"pod-{uid}",
            "namespace": changes.get("namespace", "default"),
            "uid": uid,
            "labels": {"leeward.dev/profile": profile},
            "annotations": dict(annotations or {}),
        },
        "spec": {
            "nodeName": node,
            "containers": [{"image": "x", "resources": {"requests": {"cpu": cpus, "memory": "1Gi"}}}],
        },
        "status": {
            "phase": changes.get("phase", "Running"),
            "qosClass": changes.get("qos", "Guaranteed"),
            **({} if started is None else {"startTime": started.strftime("%Y-%m-%dT%H:%M:%SZ")}),
        },
    }


def place(state: Path, *pods: dict[str, Any]) -> None:
    """Write pods."""
    for pod in pods:
        put(state / "pods" / f"{pod['metadata']['uid']}.json", json.dumps(pod).encode())


def args(pod: dict[str, Any], *nodes: str) -> bytes:
    """``ExtenderArgs`` in the names form."""
    return json.dumps({"Pod": pod, "Nodes": None, "NodeNames": list(nodes)}).encode()


def captured(name: str) -> bytes:
    """A request body of kube-scheduler."""
    return (DATA / f"{name}.json").read_bytes()


NODES = tuple(f"spr-{index:04}" for index in range(16))
TOLERANT = {"leeward.dev/max-slowdown": "2.5"}
MEDIUM = Domain(pressure=0.4, pressed=0.3)


def scores_in(answer: Answer) -> dict[str, int]:
    assert answer.status == 200
    return {entry["Host"]: entry["Score"] for entry in json.loads(answer.content)}


def newcomer(**changes: Any) -> Pod:
    """A pod that tolerates what an empty quiet node may do to it."""
    return parse_pod(json.dumps(pod_object("new", **{"annotations": TOLERANT, **changes})))


def said(caplog: pytest.LogCaptureFixture, event: str, field: str = "reason") -> list[str]:
    """What was logged under an event's name."""
    return [vars(record)["fields"][field] for record in caplog.records if record.getMessage() == event]
