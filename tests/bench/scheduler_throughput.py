"""Pods a second of a real kube-scheduler: with Leeward, with an extender that does nothing, and without any.

python -m tests.bench.scheduler_throughput [--nodes 5000] [--pods 600] [--rounds 3]

Wants the control plane of `make controlplane`. In each round pods wait until a scheduler is started, which then binds
one after the other as fast as it can; the first of them count as its warm-up. Whoever extends it is started for the
round, too, and Leeward is asked once about a pod of each kind: what is measured is the steady state.
"""

import argparse
import math
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.intervals import mean_over_runs
from tests.bench.extender_load import champion
from tests.controlplane.component import Component
from tests.controlplane.extender_process import ExtenderProcess
from tests.controlplane.large_cluster import PROFILES, agents_publish, ask_for_pods, populate
from tests.controlplane.rig import BINARY, READY_SECONDS, ControlPlane, control_plane
from tests.controlplane.workloads import PODS, pod_document
from tests.unit.live_server import eventually

QPS = 5000.0
"""Requests a second that the scheduler's client may send. Its default, 50, would be all that is measured."""
ROUND_SECONDS = 600.0
"""At the most."""
WARM_UP = 0.2
"""Share of a round's bindings that are not timed."""
LEASE_SECONDS = 2400
"""Of nodes: renewed every ten minutes, since 5,000 kubelets would take this machine's two cores for themselves."""
CONFIDENCE = 0.9
LEEWARD, PASSING, ALONE = "Leeward", "a do-nothing extender", "no extender"
SAMPLINGS: Mapping[str, int | None] = {"default sampling": None, "all nodes": 100}
_SHAPES = ("1", "2", "4")
_TOLERANT = {"leeward.dev/max-slowdown": "1.5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the cluster has, what comes in a round, and requests a second that the scheduler's client may send."""

    nodes: int
    pods_a_node: int
    pods: int
    changes: float
    qps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What became of one round.

    Attributes:
        pods_a_second: bound, after the warm-up.
        processor_ms: by part, for one pod.
    """

    pods_a_second: float
    processor_ms: Mapping[str, float]


class Bindings:
    """When pods of the default namespace were seen bound, in ``time.monotonic``; until the first is deleted."""

    def __init__(self, plane: ControlPlane) -> None:
        self.seen: list[float] = []
        self._thread = threading.Thread(target=self._follow, args=(plane,), daemon=True)
        self._thread.start()

    def wait_until_deleted(self) -> None:
        """Until nothing more is counted."""
        self._thread.join()

    def _follow(self, plane: ControlPlane) -> None:
        for event in plane.administrator.watch(PODS, fieldSelector="spec.nodeName!="):
            if event["type"] == "ADDED":
                self.seen.append(time.monotonic())
            elif event["type"] == "DELETED":
                return


class Contest:
    """Plays rounds on one control plane.

    Args:
        plane: with a cluster in it.
        nodes: of that cluster.
        pods: that come in a round; more than there are kinds of.
        qps: requests a second that the scheduler's client may send.
        state: of Leeward's extender; has a champion.
    """

    def __init__(self, plane: ControlPlane, *, nodes: Sequence[str], pods: int, qps: float, state: Path) -> None:
        self._plane = plane
        self._nodes = nodes
        self._pods = pods
        self._qps = qps
        self._leeward = ExtenderProcess(plane, state=state)
        self._passing = plane.part("passing-extender", [f"127.0.0.1:{plane.ports.extender}"])

    def play(self, who: str, percentage: int | None) -> Round:
        """Bind a round's pods, and delete them."""
        plane, bindings = self._plane, Bindings(self._plane)
        ask_for_pods(plane, map(_waiting_pod, range(self._pods)))
        with self._extending(who) as extender:
            scheduler = plane.scheduler_with(self._configuration(who, percentage))
            try:
                found = self._timed(bindings, scheduler, extender)
            finally:
                scheduler.end()
        plane.administrator.delete(PODS, gracePeriodSeconds="0")
        bindings.wait_until_deleted()
        eventually(lambda: not plane.administrator.get(PODS)["items"], seconds=READY_SECONDS)
        return found

    def _timed(self, bindings: Bindings, scheduler: Component, extender: Component | None) -> Round:
        """Start the scheduler, and wait until it has bound all."""
        plane = self._plane
        parts = {"scheduler": scheduler, "API server": plane.api_server, "etcd": plane.etcd, "KWOK": plane.kwok}
        if extender is not None:
            parts["extender"] = extender
        warm = int(WARM_UP * self._pods)
        scheduler.start()
        scheduler.wait_until(lambda: len(bindings.seen) > warm, seconds=ROUND_SECONDS)
        before, first = {name: part.processor_seconds for name, part in parts.items()}, len(bindings.seen)
        scheduler.wait_until(lambda: len(bindings.seen) == self._pods, seconds=ROUND_SECONDS)
        used, timed = {name: part.processor_seconds - before[name] for name, part in parts.items()}, self._pods - first
        return Round(
            pods_a_second=timed / (bindings.seen[-1] - bindings.seen[first - 1]),
            processor_ms={name: 1e3 * seconds / timed for name, seconds in used.items()},
        )

    @contextmanager
    def _extending(self, who: str) -> Iterator[Component | None]:
        """Run the extender, if there is to be one."""
        if who == ALONE:
            yield None
            return
        extender = self._ready_leeward() if who == LEEWARD else self._ready_passing()
        try:
            yield extender
        finally:
            extender.end()

    def _ready_leeward(self) -> Component:
        self._leeward.start(nodes=len(self._nodes))
        for pod in _kinds(self._plane):
            self._leeward.get_ready_for(pod, self._nodes)
        return self._leeward.program

    def _ready_passing(self) -> Component:
        self._passing.start()
        self._passing.wait_until(self._is_listened_to, seconds=READY_SECONDS)
        return self._passing

    def _is_listened_to(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self._plane.ports.extender)) == 0

    def _configuration(self, who: str, percentage: int | None) -> dict[str, Any]:
        configuration = self._plane.scheduler_configuration()
        # Of one that was ended before, the lease would have to run out.
        configuration["leaderElection"] = {"leaderElect": False}
        configuration["clientConnection"] |= {"qps": self._qps, "burst": round(2 * self._qps)}
        if percentage is not None:
            configuration["percentageOfNodesToScore"] = percentage
        if who == ALONE:
            del configuration["extenders"]
        return configuration


def _kinds(plane: ControlPlane) -> Iterator[dict[str, Any]]:
    """A waiting pod of each kind."""
    for number in range(len(PROFILES) * len(_SHAPES)):
        yield plane.administrator.get(f"{PODS}/{_name(number)}")


def _name(number: int) -> str:
    return f"new-{number}"


def _waiting_pod(number: int) -> dict[str, Any]:
    """Of nine kinds, one after the other."""
    profile, cpus = PROFILES[number % len(PROFILES)], _SHAPES[number // len(PROFILES) % len(_SHAPES)]
    return pod_document(_name(number), profile=profile, cpus=cpus, annotations=_TOLERANT)


def report(sampling: str, rounds: Mapping[str, Sequence[Round]]) -> None:
    """Print one sampling's rounds."""
    print(f"\n{sampling}:")
    for who, played in rounds.items():
        rates = [each.pods_a_second for each in played]
        share = statistics.fmean(each.processor_ms.get("extender", 0.0) * each.pods_a_second / 1e3 for each in played)
        used = {part: statistics.fmean(each.processor_ms[part] for each in played) for part in played[0].processor_ms}
        print(
            f"  {who:22} {statistics.fmean(rates):6.1f} pods/s ({', '.join(f'{rate:.1f}' for rate in rates)}); "
            f"the extender takes {share:.0%} of a core"
        )
        print(f"  {'':22} ms of processor a pod: {', '.join(f'{part} {value:.2f}' for part, value in used.items())}")
    logs = [
        math.log(ours.pods_a_second / limit.pods_a_second)
        for ours, limit in zip(rounds[LEEWARD], rounds[PASSING], strict=True)
    ]
    found = mean_over_runs(logs, confidence=CONFIDENCE)
    value, lower, upper = map(math.exp, (found.value, found.lower, found.upper))
    print(f"  Leeward binds [{value:.2f}] of what a do-nothing extender lets through, {lower:.2f} to {upper:.2f}")


def run(size: Size, *, rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        folder = Path(directory)
        state = folder / "state"
        state.mkdir()
        champion(state)
        plane = ending.enter_context(control_plane(folder, lease_seconds=LEASE_SECONDS))
        plane.scheduler.end()
        began = time.monotonic()
        nodes = populate(plane, nodes=size.nodes, pods_a_node=size.pods_a_node)
        print(
            f"{size.nodes} nodes with {size.pods_a_node} pods each, made in {time.monotonic() - began:.0f} s; "
            f"{size.changes:g} NodeStates a second; {size.pods} pods a round; "
            f"at most {size.qps:g} requests a second from the scheduler"
        )
        ending.enter_context(agents_publish(plane, nodes, a_second=size.changes))
        contest = Contest(plane, nodes=[node.name for node in nodes], pods=size.pods, qps=size.qps, state=state)
        for sampling, percentage in SAMPLINGS.items():
            found: dict[str, list[Round]] = {LEEWARD: [], PASSING: [], ALONE: []}
            for number in range(rounds):
                for who in (LEEWARD, PASSING) if number % 2 == 0 else (PASSING, LEEWARD):
                    found[who].append(contest.play(who, percentage))
            found[ALONE].append(contest.play(ALONE, percentage))
            report(sampling, found)


def main() -> None:
    """Run it as it was asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=5000)
    options.add_argument("--pods-a-node", type=int, default=2)
    options.add_argument("--pods", type=int, default=600, help="that come in a round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--changes", type=float, default=42.0, help="NodeStates a second; 5,000 heartbeats in 120 s")
    options.add_argument("--qps", type=float, default=QPS, help="requests a second that the scheduler may send")
    chosen = options.parse_args()
    if not BINARY.is_file():
        print("scheduler_throughput is skipped: there is no control plane, run `make controlplane`")
        return
    size = Size(
        nodes=chosen.nodes,
        pods_a_node=chosen.pods_a_node,
        pods=chosen.pods,
        changes=chosen.changes,
        qps=chosen.qps,
    )
    run(size, rounds=chosen.rounds)


if __name__ == "__main__":
    main()
