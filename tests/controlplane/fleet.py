"""Simulated agents: fabricated states, and the agent's own publisher with each node's own credential."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Self

from agent.errors import PublishError
from agent.http_client import Server
from agent.publish_api import ApiPublisher
from scheduler_extender.service import utc_now
from tests.controlplane.rig import SYSTEM, ControlPlane
from tests.unit.scheduler_extender.small_cluster import Domain, node_state

ACCOUNT = "leeward-agent"
NODE_SECONDS = 5.0
"""How often every agent publishes."""


class Fleet:
    """One agent a node; they publish on and on in a thread.

    Args:
        plane: where the nodes are made.
        domains: by node, what its agent sees.
    """

    def __init__(self, plane: ControlPlane, *, domains: Mapping[str, Domain]) -> None:
        self.domains = dict(domains)
        self._plane = plane
        self._publishers: dict[str, ApiPublisher] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fleet")
        self._ending = ExitStack()
        self.failures: list[PublishError] = []

    def __enter__(self) -> Self:
        with ThreadPoolExecutor(8) as pool:
            for node, publisher in zip(self.domains, pool.map(self._join, self.domains), strict=True):
                self._publishers[node] = self._ending.enter_context(closing(publisher))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._ending.close()

    @property
    def nodes(self) -> Sequence[str]:
        """Their names."""
        return list(self.domains)

    def publisher_of(self, node: str, *, token: str = "") -> ApiPublisher:
        """A publisher as the node's agent has it, or one with another token."""
        file = self._plane.folder / f"token-{node}"
        if token:
            file = file.with_suffix(".other")
            file.write_text(token)
        return ApiPublisher(Server(url=self._plane.url, ca_file=self._plane.authority.certificate, token_file=file))

    def _join(self, node: str) -> ApiPublisher:
        """Make the node and its agent's pod, and the token that the kubelet would project."""
        ask = self._plane.administrator
        ask.create("/api/v1/nodes", node_object(node))
        ask.create(f"/api/v1/namespaces/{SYSTEM}/pods", agent_pod(node))
        (self._plane.folder / f"token-{node}").write_text(self._plane.token(ACCOUNT, pod=f"{ACCOUNT}-{node}"))
        return self.publisher_of(node)

    def _work(self) -> None:
        while not self._stopping.is_set():
            for node, publisher in self._publishers.items():
                try:
                    publisher.publish(node_state(node, self.domains[node], seen=utc_now()))
                except PublishError as error:
                    self.failures.append(error)
            self._stopping.wait(NODE_SECONDS)


def node_object(name: str) -> dict[str, object]:
    """A node of 64 CPUs; KWOK makes it ready."""
    room = {"cpu": "64", "memory": "256Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": room, "allocatable": room},
    }


def agent_pod(node: str) -> dict[str, object]:
    """What the DaemonSet's controller, which is not here, would make for the node; the kubelet would start it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{ACCOUNT}-{node}", "namespace": SYSTEM},
        "spec": {
            "nodeName": node,
            "serviceAccountName": ACCOUNT,
            "containers": [{"name": "agent", "image": "leeward/agent"}],
        },
    }
