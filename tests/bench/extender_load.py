"""Filter and prioritise over HTTP, with a cluster that keeps changing: latencies as the scheduler sees them.

python -m tests.bench.extender_load [--nodes 5000] [--pods-a-node 6] [--changes 200] [--seconds 15]

The extender has a core of its own where the machine has two; this process and the fabricated API server share the rest.
Nodes are asked about by name, in ever another order; whole; and by name again while champions are swapped.
"""

import argparse
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from serving.champion import install_champion
from tests.bench.fabricated_api import PROFILES, node_name
from tests.unit.scheduler_extender import xgboost_bundle
from tests.unit.scheduler_extender.small_cluster import captured, pod_object

TREES = 150
SEEDS = (1, 2)
SAMPLE = 500
"""Nodes that kube-scheduler asks about of 5,000 by default."""
WHOLE_NODES = 100
WHOLE_NODE_BYTES = 10_000
FLOOR = "bind"
"""A verb that reads the body, and answers with one sentence."""
SWAP_SECONDS = 4.0
"""From one promotion to the next."""
_READY_SECONDS = 300.0
_SHAPES = ("2", "4", "8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of the extender.

    Attributes:
        nodes, pods: in the cluster.
        changes: NodeStates a second.
        seconds: how long each kind of request is asked.
    """

    nodes: int
    pods: int
    changes: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of one kind of request, in milliseconds."""

    what: str
    requests: int
    p50: float
    p99: float
    worst: float


@contextmanager
def fabricated_api(load: Load) -> Iterator[str]:
    """The API server's URL."""
    command = [sys.executable, "-m", "tests.bench.fabricated_api", str(load.nodes), str(load.pods), str(load.changes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        yield program.stdout.readline().strip()
        program.stdin.close()


@contextmanager
def extender(state: Path, url: str) -> Iterator[tuple[int, int]]:
    """The real program on a core of its own; its port and its process."""
    command = [sys.executable, "-m", "cli.main", "extender", "serve", "--host", "127.0.0.1", "--port", "0"]
    command += ["--state", str(state), "--api-server", url]
    with (state / "log").open("w") as log:
        program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            os.sched_setaffinity(program.pid, {max(os.sched_getaffinity(0))})
            assert program.stderr is not None
            port = next(event["port"] for event in map(json.loads, program.stderr) if event["event"] == "listening")
            draining = subprocess.Popen(["cat"], stdin=program.stderr, stdout=log)
            yield port, program.pid
        finally:
            program.terminate()
            program.wait()
            draining.wait()


@cache
def _graphs(seed: int) -> dict[str, bytes]:
    return xgboost_bundle.graph_files(seed=seed, trees=TREES)


def champion(state: Path, *, version: int = 1) -> None:
    """Promote a bundle of the size that the pipelines train."""
    with tempfile.TemporaryDirectory() as directory:
        made = Path(directory) / "made"
        digest = xgboost_bundle.write(made, _graphs(SEEDS[version % 2]), version=str(version))
        install_champion(state, made, model="leeward", version=str(version), digest=digest)


def bodies(nodes: int, asked: int) -> list[bytes]:
    """``ExtenderArgs`` of pods of several workloads, each about as many nodes, in ever another order."""
    random, made = np.random.default_rng(1), []
    for number in range(64):
        pod = pod_object(
            f"new-{number}",
            profile=PROFILES[number % len(PROFILES)],
            cpus=_SHAPES[number % len(_SHAPES)],
            annotations={"leeward.dev/max-slowdown": "1.5"},
        )
        names = [node_name(index) for index in random.permutation(nodes)[:asked].tolist()]
        made.append(json.dumps({"Pod": pod, "Nodes": None, "NodeNames": names}, separators=(",", ":")).encode())
    return made


class Scheduler:
    """Asks as kube-scheduler does: one connection, one request after the other."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def post(self, verb: str, body: bytes) -> float:
        """Seconds until the whole answer was there."""
        began = time.perf_counter()
        self._connection.request("POST", f"/{verb}", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/{verb} is answered {answer.status}")
        return time.perf_counter() - began


def wait_until_ready(scheduler: Scheduler, load: Load) -> None:
    """Until all nodes and pods are known."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        health = json.loads(scheduler.get("/healthz")[1])
        if health["nodes"] >= load.nodes and health["pods"] >= load.pods and health["mode"] == "scoring":
            return
        time.sleep(0.2)
    raise RuntimeError(f"the extender does not know the cluster after {_READY_SECONDS:g} s: {health}")


def in_nodes() -> list[bytes]:
    """Bodies that hold whole nodes, as kube-scheduler sends them to an extender that is not ``nodeCacheCapable``."""
    node = json.loads(captured("filter-upf-nodes-16"))["Nodes"]["items"][0]
    padding = "x" * max(0, WHOLE_NODE_BYTES - len(json.dumps(node)))
    node["metadata"].setdefault("annotations", {})["padding"] = padding
    items = [{**node, "metadata": {**node["metadata"], "name": node_name(index)}} for index in range(WHOLE_NODES)]
    pod = pod_object("new", profile=PROFILES[0], annotations={"leeward.dev/max-slowdown": "1.5"})
    found = {"Pod": pod, "Nodes": {"metadata": {}, "items": items}, "NodeNames": None}
    return [json.dumps(found, separators=(",", ":")).encode()]


def measured(scheduler: Scheduler, load: Load, what: str, made: list[bytes]) -> list[Latency]:
    """Pods one after the other, each filtered and prioritised; and the same bodies to who looks at none of it."""
    for body in made:
        scheduler.post("prioritize", body)
    time.sleep(2.0)
    spent: dict[str, list[float]] = {"filter": [], "prioritize": [], FLOOR: []}
    until = time.monotonic() + load.seconds
    number = 0
    while time.monotonic() < until:
        for verb, seconds in spent.items():
            seconds.append(scheduler.post(verb, made[number % len(made)]))
        number += 1
        time.sleep(0.01)
    return [_latency(f"{verb}, {what}", seconds) for verb, seconds in spent.items()]


def swapped(scheduler: Scheduler, load: Load, state: Path, made: list[bytes]) -> list[Latency]:
    """The same while one champion after the other is promoted; every request has to be answered."""
    for seed in SEEDS:
        _graphs(seed)
    served = {json.loads(scheduler.get("/healthz")[1])["champion"]}
    stop = threading.Event()

    def promote() -> None:
        for version in itertools.count(2):
            champion(state, version=version)
            if stop.wait(SWAP_SECONDS):
                return

    promoting = threading.Thread(target=promote)
    promoting.start()
    try:
        found = measured(scheduler, load, "swaps", made)
        served.add(json.loads(scheduler.get("/healthz")[1])["champion"])
    finally:
        stop.set()
        promoting.join()
    if len(served) == 1:
        raise RuntimeError("no other champion came to serve")
    return found


def _latency(what: str, seconds: list[float]) -> Latency:
    p50, p99 = (1e3 * float(value) for value in np.percentile(seconds, [50, 99]))
    return Latency(what=what, requests=len(seconds), p50=p50, p99=p99, worst=1e3 * max(seconds))


def resident_mib(pid: int, field: str) -> float:
    """``VmRSS`` or ``VmHWM`` of a process (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 2**10


def late_nodes(scheduler: Scheduler) -> float:
    """Nodes that a request had no time for, as the extender counts them."""
    lines = scheduler.get("/metrics")[1].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("leeward_extender_late_nodes_total"))


def told(found: list[Latency]) -> None:
    """Print, with each median as a ratio to the last one, which is the floor."""
    for each in found:
        print(
            f"  {each.what:<24} {each.requests:>6} requests  p50 {each.p50:6.2f} ms  p99 {each.p99:6.2f} ms  "
            f"worst {each.worst:6.2f} ms  {each.p50 / found[-1].p50:5.2f} x the floor"
        )


def run(load: Load) -> None:
    """Measure and print."""
    print(f"{load.nodes} nodes, {load.pods} pods, {load.changes:g} NodeStates a second")
    with tempfile.TemporaryDirectory() as directory, fabricated_api(load) as url:
        state = Path(directory)
        champion(state)
        began = time.monotonic()
        with extender(state, url) as (port, pid):
            scheduler = Scheduler(port)
            wait_until_ready(scheduler, load)
            print(f"  all known after {time.monotonic() - began:.1f} s, {resident_mib(pid, 'VmRSS'):.0f} MiB")
            numbers = sorted({min(SAMPLE, load.nodes), load.nodes})
            kinds = {f"{asked} names": bodies(load.nodes, asked) for asked in numbers}
            if load.nodes >= WHOLE_NODES:
                kinds[f"{WHOLE_NODES} nodes"] = in_nodes()
            for what, made in kinds.items():
                told(measured(scheduler, load, what, made))
            told(swapped(scheduler, load, state, kinds[f"{load.nodes} names"]))
            print(f"  {resident_mib(pid, 'VmHWM'):.0f} MiB at the most, {late_nodes(scheduler):g} nodes late")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, nargs="+", default=[100, 1000, 5000, 20_000])
    options.add_argument("--pods-a-node", type=int, default=6)
    options.add_argument("--changes", type=float, default=200.0)
    options.add_argument("--seconds", type=float, default=15.0)
    chosen = options.parse_args()
    for nodes in chosen.nodes:
        run(Load(nodes=nodes, pods=chosen.pods_a_node * nodes, changes=chosen.changes, seconds=chosen.seconds))


if __name__ == "__main__":
    main()
