"""A real cluster recorded with the extender's own role, and replayed: it says what the extender said."""

from collections import Counter
from pathlib import Path

import pytest

from eval.replay.choices import ReplayPolicy
from eval.replay.models import replayed_models
from eval.replay.reading import Recording
from eval.replay.replay import Replay, replay
from eval.replay.trouble import Trouble
from pipelines.registry import local_registry
from scheduler_extender.decisions import DECISIONS, FILE
from tests.controlplane.component import Component
from tests.controlplane.conftest import QUIET_NODE
from tests.controlplane.extender_process import LEEWARD, ExtenderProcess
from tests.controlplane.fleet import Fleet
from tests.controlplane.rig import READY_SECONDS, ControlPlane
from tests.controlplane.workloads import PODS, TOLERANT, ask_for_pod, node_of
from tests.unit.live_server import eventually

SECRET = b"hunter2"
ASKED = 10


@pytest.fixture
def recorder(plane: ControlPlane, extender: ExtenderProcess, state: Path, tmp_path: Path) -> Component:
    """With the extender's own credential: it wants no other."""
    options = ["--into", str(tmp_path / "recording"), "--api-server", plane.url, "--decisions", str(state)]
    options += ["--ca-file", str(plane.authority.certificate), "--token-file", str(plane.folder / "token-extender")]
    return Component("recorder", [LEEWARD, "eval", "record", *options], folder=tmp_path)


def test_what_is_recorded_beside_a_real_scheduler_is_replayed_as_the_extender_decided(
    plane: ControlPlane, fleet: Fleet, state: Path, recorder: Component, tmp_path: Path
) -> None:
    recording, decisions = tmp_path / "recording", state / DECISIONS / FILE
    recorder.start()
    part = recording / "events-000001.jsonl"
    recorder.wait_until(lambda: part.is_file() and b'"kind":"whole"' in part.read_bytes(), seconds=READY_SECONDS)
    pods = [ask_for_pod(plane, annotations=TOLERANT | {"note": SECRET.decode()}) for _ in range(ASKED)]
    assert {node_of(plane, pod) for pod in pods} == {QUIET_NODE}
    uids = [plane.administrator.get(f"{PODS}/{pod}")["metadata"]["uid"].encode() for pod in pods]
    eventually(lambda: decisions.is_file() and all(uid in decisions.read_bytes() for uid in uids))
    recorder.end()
    assert "replay it with `leeward eval replay --recording" in recorder.log.read_text()

    troubles: Counter[Trouble] = Counter()
    found = Recording(recording)
    assert not any(SECRET in (event.content or b"") for event in found.events(troubles))
    models = replayed_models(state, bundles=(), versions=(), registry=local_registry(state), troubles=troubles)
    report = replay(Replay(recording=found, state=state, models=models, policies=(ReplayPolicy.LEEWARD,)))
    assert report.placements == ASKED
    assert report.recording.there_before >= len(fleet.nodes)
    reproduction = report.reproduction
    assert (reproduction.decisions, reproduction.reproduced) == (ASKED, ASKED), reproduction
    assert reproduction.asked_otherwise == 0
    assert report.policies[0].elsewhere == 0.0
    assert not report.troubles
    for pod in pods:
        plane.administrator.delete(f"{PODS}/{pod}", gracePeriodSeconds="0")
