"""kube-scheduler asks the real extender, and says to a pod's owner what the extender said."""

from pathlib import Path

import pytest

from tests.controlplane.conftest import QUIET_NODE
from tests.controlplane.extender_process import ExtenderProcess, promote_bound_by_memory
from tests.controlplane.fleet import Fleet
from tests.controlplane.rig import ControlPlane
from tests.controlplane.workloads import DEMANDING, TOLERANT, ask_for_pod, is_bound, node_of, refusals_of

REASON = "contention may slow this pod down beyond the factor 1.01 that it tolerates"

PODS_AT_MOST = 60
"""The quiet node has 64 CPUs, and each pod takes one."""


@pytest.mark.parametrize("annotations", [{}, TOLERANT], ids=["plain", "annotated"])
def test_a_pod_goes_where_nothing_presses(
    plane: ControlPlane, extender: ExtenderProcess, annotations: dict[str, str]
) -> None:
    before = extender.answered("filter"), extender.answered("prioritize")
    assert node_of(plane, ask_for_pod(plane, annotations=annotations)) == QUIET_NODE
    assert extender.answered("filter") > before[0]
    assert extender.answered("prioritize") > before[1]


def test_a_pod_that_no_node_suits_waits_and_is_told_why(
    plane: ControlPlane, extender: ExtenderProcess, fleet: Fleet
) -> None:
    pod = ask_for_pod(plane, annotations=DEMANDING)
    (first, *_) = refusals_of(plane, pod)
    assert f"0/{len(fleet.nodes)} nodes are available" in first
    assert f"{len(fleet.nodes)} {REASON}" in first
    assert not is_bound(plane, pod)
    described = " ".join(plane.kubectl("describe", "pod", pod).split())
    assert REASON in described
    plane.administrator.delete(f"/api/v1/namespaces/default/pods/{pod}", gracePeriodSeconds="0")


def test_the_champion_changes_while_pods_are_placed(
    plane: ControlPlane, extender: ExtenderProcess, state: Path
) -> None:
    pods = [ask_for_pod(plane) for _ in range(10)]
    promoted = promote_bound_by_memory(state, version="2")
    while extender.champion != promoted:
        pods.append(ask_for_pod(plane))
        assert len(pods) < PODS_AT_MOST, "the champion was never taken up"
    pods += [ask_for_pod(plane) for _ in range(10)]
    assert {node_of(plane, pod) for pod in pods} == {QUIET_NODE}
    assert extender.program.is_running
    for pod in pods:
        plane.administrator.delete(f"/api/v1/namespaces/default/pods/{pod}", gracePeriodSeconds="0")
