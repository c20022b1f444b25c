"""The real extender as a process on the address that the scheduler has, and others that answer wrongly in its place."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from contracts.bundle import ColumnRange
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from serving.interference_row import INTERFERENCE_COLUMNS, PRESSURE_COLUMNS
from tests.controlplane.component import Component
from tests.controlplane.rig import READY_SECONDS, ControlPlane
from tests.unit.scheduler_extender import small_cluster
from tests.unit.serving.small_bundle import graphs, linear_graph, manifest

ACCOUNT = "leeward-extender"
MOST_PODS = 110.0
"""Of a node; the bundle knows as many neighbours, so that no count of them lies beyond its training."""

LEEWARD = str(Path(sys.executable).with_name("leeward"))


class ExtenderProcess:
    """``leeward extender serve``, which can be killed, frozen and started again.

    Args:
        plane: whose scheduler asks it.
        state: its state directory.
    """

    def __init__(self, plane: ControlPlane, *, state: Path) -> None:
        self.port = plane.ports.extender
        token = plane.folder / "token-extender"
        token.write_text(plane.token(ACCOUNT))
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--state", str(state)]
        where += ["--api-server", plane.url, "--ca-file", str(plane.authority.certificate), "--token-file", str(token)]
        self.program = Component("extender", [LEEWARD, "extender", "serve", *where], folder=plane.folder)
        self._url = f"http://127.0.0.1:{self.port}"

    def start(self, *, nodes: int) -> None:
        """Start it where it does not run, and wait until it is ready and scores that many nodes by a champion."""
        self.program.start()
        self.program.wait_until(lambda: self._scores(nodes), seconds=READY_SECONDS)

    def answered(self, verb: str) -> float:
        """How many requests of that verb it has answered well since it was started."""
        return self._counted(f'requests_total{{status="200",verb="{verb}"}}')

    def get_ready_for(self, pod: Mapping[str, Any], nodes: Sequence[str]) -> None:
        """Ask about a pod as the scheduler would, until what its workload may suffer is known of all the nodes."""
        args = {"Pod": pod, "Nodes": None, "NodeNames": nodes}
        was_late = True
        while was_late:
            before = self._counted("late_nodes_total")
            httpx.post(f"{self._url}/prioritize", json=args, timeout=READY_SECONDS, trust_env=False).raise_for_status()
            was_late = self._counted("late_nodes_total") > before

    @property
    def champion(self) -> str:
        """The digest of the bundle that it scores by."""
        return str(self._health()["champion"])

    def _counted(self, series: str) -> float:
        lines = httpx.get(f"{self._url}/metrics", trust_env=False).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"leeward_extender_{series}"))

    def _scores(self, nodes: int) -> bool:
        try:
            health, ready = self._health(), httpx.get(f"{self._url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False
        return ready and bool(health["mode"] == "scoring" and health["nodes"] == nodes)

    def _health(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self._url}/healthz", trust_env=False).json()
        return found


def promote_bound_by_memory(state: Path, *, version: str = "1") -> str:
    """Make champion a bundle that bounds slowdowns by what a domain's memory presses; its digest."""
    bound = linear_graph(INTERFERENCE_COLUMNS, {"domain.dram_utilisation": 1.0}, bias=0.0, classifier=False)
    made = state.with_name(f"made-{version}")
    digest = write_bundle(
        made,
        manifest=manifest(
            version=version,
            ceiling=10.0,
            pressure_ranges=tuple(
                ColumnRange(column=name, minimum=0.0, maximum=MOST_PODS) for name in PRESSURE_COLUMNS
            ),
        ),
        graphs=graphs() | {"slowdown-q50.onnx": bound, "slowdown-q90.onnx": bound},
        profiles=small_cluster.KNOWN_PROFILES,
    )
    install_champion(state, made, model="leeward", version=version, digest=digest)
    return digest


@contextmanager
def impostor(port: int, *, status: int, content: bytes, after_seconds: float = 0.0) -> Iterator[list[str]]:
    """Gives every request the same answer, on the extender's port; yields the paths that were asked.

    It keeps no connection (HTTP/1.0), so that the next impostor is asked by the next request.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            time.sleep(after_seconds)
            with suppress(ConnectionError):  # whoever asked may have gone by now
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
