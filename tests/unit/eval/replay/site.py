"""A made-up cluster of a few nodes, told to a recording event by event, and a champion worked out by hand."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.nodestate import NodeState
from eval.replay.choices import ReplayPolicy
from eval.replay.judge import Judge, ReplayedModel
from eval.replay.placements import ALWAYS, survey
from eval.replay.reading import Recording
from eval.replay.recorded_decisions import recorded_decisions
from eval.replay.recorded_node import reduced_node
from eval.replay.recorded_pod import reduced_pod
from eval.replay.recorded_state import reduced_node_state
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from eval.replay.walk import Judged, walk
from eval.replay.writing import recording_into
from scheduler_extender.decisions import DECISIONS, FILE, Decision
from scheduler_extender.settings import ExtenderSettings
from serving.bundle_directory import Bundle, read_bundle, write_bundle
from serving.champion import install_champion
from tests.unit.scheduler_extender.small_cluster import NOW, Domain, node_state, pod_object
from tests.unit.serving.small_bundle import graphs, manifest, profile

PROFILES = (
    profile("amf", pressure=0.1, sensitivity=1.2),
    profile("router", pressure=0.2, sensitivity=1.2),
    profile("batch", pressure=0.9, sensitivity=1.0),
)
"""Slowdowns rise with the highest co-runner's LLC pressure: the batch job is the noisy one."""
CALM, BUSY = Domain(), Domain(pressure=0.85, pressed=0.95)
TOLERANT = {"leeward.dev/max-slowdown": "2.5"}
REQUIRING = {"leeward.dev/max-slowdown": "1.5", "leeward.dev/enforcement": "required"}

Told = tuple[float, Kind, str, Any]
"""Seconds since the start, kind, name, and an object's JSON, as bytes what is not to be reduced, or nothing."""


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def record(directory: Path, *told: Told, session: float = 0.0, **options: Any) -> Path:
    """Write events down as a recorder would have; returns the directory."""
    with recording_into(directory, session=at(session), **options) as writer:
        for seconds, kind, name, found in told:
            writer.write(kind, name, reduced(kind, found), at=at(seconds))
    return directory


def reduced(kind: Kind, found: Any) -> bytes | None:
    if found is None or isinstance(found, bytes):
        return found
    if isinstance(found, NodeState):
        return reduced_node_state(found.to_json())
    reduce = reduced_node if kind is Kind.NODE else reduced_pod
    return reduce(json.dumps(found).encode())


def node_object(name: str, *, cpus: str = "64", memory: str = "256Gi", **changes: Any) -> dict[str, Any]:
    """A Node as Kubernetes gives it; ``changes`` are ``labels``, ``taints`` and ``unschedulable``."""
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": (NOW - timedelta(days=1)).isoformat(),
            "labels": changes.get("labels", {}),
            "annotations": {"csi.volume.kubernetes.io/nodeid": "secret"},
        },
        "spec": {"taints": changes.get("taints"), "unschedulable": changes.get("unschedulable", False)},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.1.2.3"}],
            "allocatable": {"cpu": cpus, "memory": memory, "pods": "110"},
        },
    }


def node(seconds: float, name: str, **changes: Any) -> Told:
    return seconds, Kind.NODE, name, node_object(name, **changes)


def state(seconds: float, name: str, domain: Domain = CALM) -> Told:
    return seconds, Kind.NODE_STATE, name, node_state(name, domain, seen=at(seconds))


def pod(seconds: float, uid: str, *, node: str = "", **changes: Any) -> Told:
    return seconds, Kind.POD, uid, pod_object(uid, node=node, **{"profile": "router", **changes})


def gone(seconds: float, kind: Kind, name: str) -> Told:
    return seconds, kind, name, None


def whole(seconds: float) -> Told:
    return seconds, Kind.WHOLE, "", None


def two_nodes() -> tuple[Told, ...]:
    """``noisy``, with a batch job, and ``calm``, with none; both measured."""
    return (
        node(0, "noisy"),
        node(0, "calm"),
        pod(
            0, "noise", node="noisy", profile="batch", started=at(-3600), annotations={"leeward.dev/max-slowdown": "9"}
        ),
        state(0, "noisy"),
        state(0, "calm"),
        whole(1),
    )


def bundle_in(directory: Path, *, version: str = "1", margin: float = 0.1) -> Bundle:
    """A bundle that bounds the wider the higher its margin."""
    told = manifest(version=version, ceiling=10.0)
    margins = tuple(one.model_copy(update={"log_margin": margin}) for one in told.bound_calibrations)
    write_bundle(
        directory,
        manifest=told.model_copy(update={"bound_calibrations": margins}),
        graphs=graphs(),
        profiles=PROFILES,
    )
    return read_bundle(directory)


def champion_in(directory: Path, **changes: Any) -> Path:
    """A state directory with a champion."""
    source = directory / "trained"
    bundle = bundle_in(source, **changes)
    install_champion(directory / "state", source, model="leeward", version="1", digest=bundle.digest)
    return directory / "state"


def decision_of(uid: str, seconds: float, **changes: Any) -> Decision:
    """What an extender wrote of a router on ``noisy``."""
    fields: Mapping[str, Any] = {
        "decided": at(seconds),
        "pod": f"default/pod-{uid}",
        "uid": uid,
        "workload": "router",
        "champion": "sha256:" + "2" * 64,
        "shadowed": False,
        "tolerance": 1.25,
        "required": False,
        "nodes": 2,
        "failed": 0,
        "node": "noisy",
        "score": 3,
        "ratio": 1.5,
        "best": ("calm",),
        "best_score": 10,
        "best_ratio": 1.0,
    }
    return Decision.model_validate({**fields, **changes})


def write_decisions(directory: Path, *decisions: Decision | bytes, folder: str = "") -> None:
    place = directory / DECISIONS / folder
    place.mkdir(parents=True, exist_ok=True)
    lines = [one if isinstance(one, bytes) else one.to_json() + b"\n" for one in decisions]
    (place / FILE).write_bytes(b"".join(lines))


def judged(
    directory: Path, models: Sequence[ReplayedModel], *told: Told, **options: Any
) -> tuple[list[Judged], Counter[Trouble], list[NodeState]]:
    """Record, and judge every placement; with what was wrong, and the NodeStates that were seen."""
    record(directory, *told)
    troubles: Counter[Trouble] = Counter()
    recording, saw = Recording(directory), list[NodeState]()
    period = options.get("period", ALWAYS)
    decisions = recorded_decisions([directory], troubles)
    found = survey(recording, decisions, period=period, background=(), troubles=troubles)
    settings = options.get("settings", ExtenderSettings())
    judges = [Judge(model, state=directory, settings=settings) for model in models]
    walked = walk(
        recording,
        found,
        policies=tuple(ReplayPolicy),
        judges=judges,
        period=period,
        saw=saw.append,
        troubles=troubles,
    )
    return list(walked), +troubles, saw
