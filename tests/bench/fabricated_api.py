"""An API server's lists and watches with a cluster in them that keeps changing, in a process of its own.

python -m tests.bench.fabricated_api NODES PODS CHANGES_A_SECOND    prints its URL, ends with its standard input
"""

import itertools
import json
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from contracts.regime import Regime
from scheduler_extender.cluster import NODE_STATES, NODES, PODS
from scheduler_extender.service import utc_now
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.small_cluster import Domain, node_state, pod_object

DOMAINS = 2
PROFILES = ("upf-large", "transcode", "quiet-one")
REGIMES = (Regime.QUIET, Regime.MEMBW, Regime.QUIET, Regime.LLC)


def node_name(index: int) -> str:
    """As the captured requests name nodes."""
    return f"spr-{index:04}"


def state_of(index: int, turn: int, pods: list[str]) -> dict[str, Any]:
    """A node's state as of now, another one each turn."""
    pressures = ((index + turn) % 97 / 97, (index + 7 * turn) % 53 / 53)
    own = [tuple(pods[place::DOMAINS]) for place in range(DOMAINS)]
    domains = [
        Domain(pressure=pressure, pressed=pressure, regime=REGIMES[(index + turn) % len(REGIMES)], pods=own[place])
        for place, pressure in enumerate(pressures)
    ]
    found: dict[str, Any] = json.loads(node_state(node_name(index), *domains, seen=utc_now()).to_json())
    return found


def fill(stubs: dict[str, ApiStub], *, nodes: int, pods: int) -> list[list[str]]:
    """Nodes with their states and pods; returns the pods' UIDs node by node."""
    started = utc_now() - timedelta(hours=1)
    living: list[list[str]] = [[] for _ in range(nodes)]
    for number in range(pods):
        index = number % nodes
        found = pod_object(
            f"{number:08}", node=node_name(index), profile=PROFILES[number % len(PROFILES)], started=started
        )
        stubs[PODS.path].put(found["metadata"]["name"], **found)
        living[index].append(found["metadata"]["uid"])
    for index in range(nodes):
        stubs[NODES.path].put(node_name(index), metadata={"creationTimestamp": "2026-11-01T00:00:00Z"})
        _publish(stubs[NODE_STATES.path], state_of(index, 0, living[index]))
    return living


def _publish(stub: ApiStub, found: dict[str, Any]) -> None:
    stub.put(found["metadata"]["name"], **{key: value for key, value in found.items() if key != "metadata"})


def keep_changing(stub: ApiStub, living: list[list[str]], *, changes: float, stop: threading.Event) -> None:
    """Let nodes publish one after the other, so many a second."""
    began = time.monotonic()
    for number in itertools.count():
        due = began + number / changes
        if stop.wait(max(0.0, due - time.monotonic())):
            return
        index = number % len(living)
        _publish(stub, state_of(index, 1 + number // len(living), living[index]))


def main() -> None:
    nodes, pods, changes = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    stop = threading.Event()
    with api_stubs(NODE_STATES.path, PODS.path, NODES.path) as stubs:
        living = fill(stubs, nodes=nodes, pods=pods)
        changing = threading.Thread(
            target=keep_changing,
            args=(stubs[NODE_STATES.path], living),
            kwargs={"changes": changes, "stop": stop},
        )
        if changes:
            changing.start()
        print(stubs[PODS.path].server.url, flush=True)
        sys.stdin.read()
        stop.set()
        if changes:
            changing.join()


if __name__ == "__main__":
    main()
