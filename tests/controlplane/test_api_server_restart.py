"""The API server dies without a word and comes back: agents, scheduler and extender go on by themselves."""

from tests.controlplane.conftest import QUIET_NODE
from tests.controlplane.extender_process import ExtenderProcess
from tests.controlplane.fleet import Fleet
from tests.controlplane.rig import ControlPlane
from tests.controlplane.test_agents import NODE_STATES, heartbeats
from tests.controlplane.workloads import ask_for_pod, node_of
from tests.unit.live_server import eventually


def test_everything_resumes(plane: ControlPlane, extender: ExtenderProcess, fleet: Fleet) -> None:
    eventually(lambda: len(heartbeats(plane)) == len(fleet.nodes))
    before = heartbeats(plane)
    failures = len(fleet.failures)
    plane.api_server.kill()
    eventually(lambda: len(fleet.failures) > failures)
    plane.start_api_server()
    eventually(lambda: plane.has(NODE_STATES))
    eventually(lambda: all(after > before[node] for node, after in heartbeats(plane).items()))
    assert node_of(plane, ask_for_pod(plane)) == QUIET_NODE
    assert extender.program.is_running
