"""A cluster of thousands of nodes on the rig, with residents and NodeStates, which go on being published."""

import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent.publish_api import FIELD_MANAGER, applied_status
from contracts.nodestate import API_VERSION, GROUP, KIND, PLURAL, VERSION
from contracts.regime import Regime
from scheduler_extender.service import utc_now
from tests.controlplane.fleet import node_object
from tests.controlplane.rig import ControlPlane
from tests.controlplane.workloads import pod_document
from tests.unit.scheduler_extender.small_cluster import Domain, node_state

PROFILES = ("upf-large", "transcode", "quiet-one")
RESIDENTS = "residents"
"""Their namespace, so that all of another one can be deleted without them."""
_NODE_STATES = f"/apis/{GROUP}/{VERSION}/{PLURAL}"
_AT_ONCE = 6
_DOMAINS = 2
_REGIMES = (Regime.QUIET, Regime.MEMBW, Regime.QUIET, Regime.LLC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhabited:
    """A node and the UIDs of the pods that live there."""

    name: str
    pods: tuple[str, ...]


def populate(plane: ControlPlane, *, nodes: int, pods_a_node: int) -> list[Inhabited]:
    """Make nodes, their residents, and a NodeState of each."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    plane.administrator.create("/api/v1/namespaces", {"metadata": {"name": RESIDENTS}})
    plane.administrator.create(f"/api/v1/namespaces/{RESIDENTS}/serviceaccounts", account)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda index: _settled(plane, index, pods_a_node), range(nodes)))


def ask_for_pods(plane: ControlPlane, documents: Iterable[dict[str, Any]]) -> None:
    """Create pods in the default namespace."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda pod: plane.administrator.create("/api/v1/namespaces/default/pods", pod), documents))


@contextmanager
def agents_publish(plane: ControlPlane, nodes: Sequence[Inhabited], *, a_second: float) -> Iterator[None]:
    """Let one node after the other publish another state, so many a second, while the block runs."""
    stop = threading.Event()

    def publish() -> None:
        began = time.monotonic()
        for number in itertools.count():
            if stop.wait(max(0.0, began + number / a_second - time.monotonic())):
                return
            turn, index = divmod(number, len(nodes))
            _publish(plane, nodes[index], index=index, turn=turn + 1)

    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish)
        try:
            yield
        finally:
            stop.set()
        publishing.result()


def _settled(plane: ControlPlane, index: int, pods: int) -> Inhabited:
    ask, name = plane.administrator, f"spr-{index:05}"
    ask.create("/api/v1/nodes", node_object(name))
    uids = []
    for number in range(pods):
        document = pod_document(f"{name}-{number}", profile=PROFILES[(index + number) % len(PROFILES)], node=name)
        uids.append(ask.create(f"/api/v1/namespaces/{RESIDENTS}/pods", document)["metadata"]["uid"])
    node = Inhabited(name=name, pods=tuple(uids))
    ask.create(_NODE_STATES, _node_state_object(name))
    _publish(plane, node, index=index, turn=0)
    return node


def _publish(plane: ControlPlane, node: Inhabited, *, index: int, turn: int) -> None:
    pressures = ((index + turn) % 97 / 97, (index + 7 * turn) % 53 / 53)
    domains = [
        Domain(
            pressure=pressure,
            pressed=pressure,
            regime=_REGIMES[(index + turn) % len(_REGIMES)],
            pods=node.pods[place::_DOMAINS],
        )
        for place, pressure in enumerate(pressures)
    ]
    status = applied_status(node_state(node.name, *domains, seen=utc_now()))
    whole = _node_state_object(node.name) | {"status": status}
    plane.administrator.apply(f"{_NODE_STATES}/{node.name}/status", whole, manager=FIELD_MANAGER)


def _node_state_object(name: str) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}}
