"""Whatever the extender does, pods get placed; and once it is well again, it is asked again."""

import json

import pytest

from tests.controlplane.conftest import NODES, QUIET_NODE
from tests.controlplane.extender_process import ExtenderProcess, impostor
from tests.controlplane.fleet import Fleet
from tests.controlplane.rig import ControlPlane
from tests.controlplane.workloads import DEMANDING, ask_for_pod, node_of, refusals_of

WRONG = {
    "no-json": (200, b"<html>it works</html>"),
    "torn": (200, b'{"NodeNames": ["worker-'),
    "another-shape": (200, b'[{"NodeNames": 7}]'),
    "an-error": (500, b"it broke"),
    "its-own-error": (200, b'{"Error": "nothing is known"}'),
    "a-stranger": (200, b'{"NodeNames": ["nobody-knows-me"]}'),
}

TOO_LATE_SECONDS = 1.0
"""Four times what the shipped configuration waits for."""


def test_killed_it_is_skipped_and_started_again_it_is_asked_again(
    plane: ControlPlane, extender: ExtenderProcess, fleet: Fleet
) -> None:
    extender.program.kill()
    assert node_of(plane, ask_for_pod(plane, annotations=DEMANDING)), "required holds only while it answers"
    extender.start(nodes=len(fleet.nodes))
    assert node_of(plane, ask_for_pod(plane)) == QUIET_NODE
    assert extender.answered("filter") >= 1


def test_hung_it_is_waited_for_no_longer_than_its_time_limit(
    plane: ControlPlane, extender: ExtenderProcess, fleet: Fleet
) -> None:
    extender.program.freeze()
    assert node_of(plane, ask_for_pod(plane, annotations=DEMANDING)), "had it been heard, no node would do"
    extender.program.thaw()
    extender.start(nodes=len(fleet.nodes))
    assert node_of(plane, ask_for_pod(plane)) == QUIET_NODE


@pytest.mark.parametrize("manner", WRONG)
def test_wrong_answers_are_passed_over(plane: ControlPlane, extender: ExtenderProcess, manner: str) -> None:
    extender.program.kill()
    status, content = WRONG[manner]
    with impostor(extender.port, status=status, content=content) as asked:
        assert node_of(plane, ask_for_pod(plane, annotations=DEMANDING))
    assert "/filter" in asked


def test_an_answer_that_comes_too_late_is_not_waited_for(plane: ControlPlane, extender: ExtenderProcess) -> None:
    extender.program.kill()
    refusal = json.dumps({"NodeNames": [], "FailedNodes": dict.fromkeys(NODES, "no")}).encode()
    with impostor(extender.port, status=200, content=refusal):
        heard = ask_for_pod(plane)
        assert "50 no" in refusals_of(plane, heard)[0], "in time it is obeyed"
    with impostor(extender.port, status=200, content=refusal, after_seconds=TOO_LATE_SECONDS) as asked:
        assert node_of(plane, ask_for_pod(plane))
    assert "/filter" in asked
