"""A period of a simulated cluster, recorded as a real one would be: to see a replay without waiting for a week.

python -m eval.replay.rehearsal --into DIRECTORY --state DIRECTORY [--nodes N] [--pods N] [--seed N] [--outcomes]

kube-scheduler's default policy places; the extender looks on in shadow mode and writes its decisions. The recording is
marked as simulated, and so is every report that is made of it. What workloads go through is written on request into the
state directory's feature store, where a replay looks for it.
"""

import argparse
import heapq
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import numpy as np

from contracts.errors import ContractError
from contracts.nodestate import NodeState
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.errors import EvaluationError
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival, draw_schedule
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import default_scores, select_host
from eval.placement.demand import BACKGROUND_GROUP, demands_of, function_groups
from eval.placement.leeward import champion_in
from eval.placement.pods import extender_args, pod_object
from eval.placement.settings import PlacementSettings
from eval.replay.errors import RecordingError
from eval.replay.reading import parts_of
from eval.replay.recorded_node import reduced_node
from eval.replay.recorded_pod import reduced_pod
from eval.replay.recorded_state import reduced_node_state
from eval.replay.recording import Kind
from eval.replay.writing import RecordingWriter, recording_into
from eval.shadow.rehearsed_outcomes import RehearsedOutcomes
from eval.testbed.cluster import simulated_nodes
from eval.testbed.errors import TestbedError
from eval.testbed.node import START_WALL_NS
from feature_repo.errors import FeatureRepositoryError
from scheduler_extender import directory
from scheduler_extender.decisions import DECISIONS, DecisionWriter
from scheduler_extender.errors import ExtenderError
from scheduler_extender.intake import News
from scheduler_extender.main import build_extender
from scheduler_extender.node import parse_node
from scheduler_extender.pod import parse_pod
from scheduler_extender.service import Answer
from scheduler_extender.settings import ExtenderSettings, read_settings
from scheduler_extender.sources import Change, Changes
from serving.errors import BundleError
from serving.regime_model import RegimeModel

_START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_WALL_NS // 1000)
_REFUSALS = (ContractError, EvaluationError, TestbedError, BundleError, ExtenderError, FeatureRepositoryError)
_PODS_A_NODE = 110
_OUTCOME_SECONDS = 60.0
"""How often each workload's slowdown is measured while nobody comes or goes beside it."""
_AS_LONG_AS_IT_TAKES = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What was recorded.

    Attributes:
        placed, refused: pods, and those that found no room.
        until: in simulated time.
        outcomes: what workloads went through, as labels.
    """

    placed: int
    refused: int
    until: datetime
    outcomes: tuple[LabelledTrace, ...]


def rehearse(into: Path, state: Path, *, nodes: int, pods: int, seed: int) -> Rehearsed:
    """Record a simulated period.

    Args:
        into: the recording's directory, see ``eval.replay.recording``.
        state: with a champion and the profiles of what comes; nothing is written there.
        nodes, pods: how many.
        seed: of everything that is drawn.

    Raises:
        EvaluationError: there is no champion, a workload that comes has no profile, or a recording is there already.
        BundleError, ExtenderError: the champion or the extender's settings can't be used.
        OSError: the recording can't be written.
    """
    if min(nodes, pods) < 1:
        raise EvaluationError(f"{nodes} nodes, {pods} pods: one of each at least")
    if parts_of(into):
        raise RecordingError(f"{into} holds a recording, and a simulated clock begins anew: name a new directory")
    cluster = Cluster(simulated_nodes(seed=seed, count=nodes))
    rng = np.random.default_rng(seed)
    usual = PlacementSettings()
    closer = usual.nodes / nodes
    settings = PlacementSettings(
        nodes=nodes,
        pods=pods,
        churn=1,
        fill_gap_seconds=usual.fill_gap_seconds * closer,
        gap_seconds=usual.gap_seconds * closer,
    )
    arrivals = _arrivals(state, settings, cluster, rng)[:pods]
    with recording_into(into, session=_START, cluster_time=_START, simulated=True) as writer:
        stage = _Stage(cluster, writer, state=state, settings=settings, rng=rng)
        stage.open()
        for arrival in arrivals:
            stage.move_on(arrival.at_seconds)
            stage.admit(arrival)
        stage.move_on(cluster.now_seconds + settings.last_seconds)
        stage.close()
    return Rehearsed(placed=stage.placed, refused=stage.refused, until=stage.now(), outcomes=stage.outcomes.rows)


class _Stage:
    """What a simulated API server would tell a recorder and an extender, and who places."""

    def __init__(
        self,
        cluster: Cluster,
        writer: RecordingWriter,
        *,
        state: Path,
        settings: PlacementSettings,
        rng: np.random.Generator,
    ) -> None:
        bundle = champion_in(state)
        self.placed = self.refused = 0
        self._cluster = cluster
        self._writer = writer
        self._rng = rng
        self._ends: list[tuple[float, str]] = []
        self._extender = build_extender(state, _looking_on(state), clock=self.now, following=True)
        self._decisions = DecisionWriter(writer.directory / DECISIONS)
        self.outcomes = RehearsedOutcomes(
            cluster,
            {profile.key: profile for profile in _known_profiles(state)},
            window_seconds=settings.window_seconds,
            every_seconds=_OUTCOME_SECONDS,
        )
        self._agents = Agents(
            cluster,
            publisher=self,
            window_seconds=settings.window_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            predictor=RegimeModel(bundle),
            bundle_digest=bundle.digest,
        )

    def now(self) -> datetime:
        """The simulation's clock."""
        return _START + timedelta(seconds=self._cluster.now_seconds)

    def open(self) -> None:
        """The nodes are there, empty."""
        for name in self._cluster.nodes:
            content = reduced_node(json.dumps(self._node_object(name)).encode())
            self._writer.write(Kind.NODE, name, content, at=self.now())
            self._tell(News(nodes=Changes(changed=[Change(name=name, value=parse_node(content))])))
        self._writer.whole(at=self.now())

    def publish(self, state: NodeState) -> None:
        """An agent writes its NodeState, see ``agent.publish.NodeStatePublisher``."""
        name = state.metadata.name
        self._writer.write(Kind.NODE_STATE, name, reduced_node_state(state.to_json()), at=self.now())
        self._tell(News(node_states=Changes(changed=[Change(name=name, value=state)])))

    def move_on(self, to_seconds: float) -> None:
        """Time passes; those whose stay is over by then leave."""
        while self._ends and self._ends[0][0] <= to_seconds:
            self._cluster.now_seconds, uid = heapq.heappop(self._ends)
            node = self._cluster.remove(uid)
            if node is not None:
                self.outcomes.changed(node)
            self._tell_pod(uid, None)
        self._cluster.now_seconds = to_seconds

    def admit(self, arrival: Arrival) -> None:
        """A pod comes: the extender is asked and not heeded, the default scheduler binds it.

        The scheduler counts requests by the node. A node that passes so, and where no socket has the CPUs, is one whose
        kubelet would send the pod back; it comes out at a node that takes it.
        """
        self._agents.report()
        self._tell_pod(arrival.uid, pod_object(arrival))
        asked = [name for name in self._cluster.nodes if self._has_room(arrival, name)]
        feasible = self._cluster.feasible(arrival)
        if not feasible:
            self.refused += 1
            self._tell_pod(arrival.uid, None)
            return
        while self._extender.settle():
            pass
        body = extender_args(arrival, asked)
        for answer in (self._extender.filter(body), self._extender.prioritize(body)):
            _refuse_refusal(answer)
        node = select_host(default_scores(arrival, feasible, self._cluster), self._rng)
        self._cluster.place(arrival, node)
        self.outcomes.changed(node)
        self._tell_pod(arrival.uid, pod_object(arrival, node=node, started=self.now()))
        self._extender.write_decisions(self._decisions)
        heapq.heappush(self._ends, (arrival.until_seconds, arrival.uid))
        self.placed += 1

    def close(self) -> None:
        """Nobody comes any more."""
        self.outcomes.end()
        self._decisions.close()

    def _tell_pod(self, uid: str, whole: dict[str, object] | None) -> None:
        content = None if whole is None else reduced_pod(json.dumps(whole).encode())
        self._writer.write(Kind.POD, uid, content, at=self.now())
        pod = None if content is None else parse_pod(content)
        self._tell(News(pods=Changes(changed=[Change(name=uid, value=pod)])))

    def _tell(self, news: News) -> None:
        self._extender.take_over(news)

    def _has_room(self, arrival: Arrival, node: str) -> bool:
        taken, there = self._cluster.requested(node), self._cluster.allocatable(node)
        demand = arrival.demand
        return (
            taken.cpus + demand.cpus <= there.cpus
            and taken.memory_bytes + demand.memory_bytes <= there.memory_bytes
            and len(self._cluster.parties(node)) < _PODS_A_NODE
        )

    def _node_object(self, name: str) -> dict[str, object]:
        there = self._cluster.allocatable(name)
        allocatable = {"cpu": str(there.cpus), "memory": str(there.memory_bytes), "pods": str(_PODS_A_NODE)}
        return {
            "metadata": {"name": name, "creationTimestamp": self.now().isoformat()},
            "status": {"allocatable": allocatable},
        }


def _arrivals(
    state: Path, settings: PlacementSettings, cluster: Cluster, rng: np.random.Generator
) -> Sequence[Arrival]:
    profiles = _known_profiles(state)
    functions = demands_of(frozenset(function_groups(profiles)), profiles)
    background = demands_of(frozenset({BACKGROUND_GROUP}), profiles)
    return draw_schedule(functions, background, settings, capacity_cpus=cluster.cpus, rng=rng).arrivals


def _known_profiles(state: Path) -> list[WorkloadProfile]:
    """Those that the extender of the state directory knows, the latest of each workload."""
    laid = (change.value for change in directory.profiles(state).changes().changed)
    found = [*champion_in(state).profiles, *(profile for profile in laid if profile is not None)]
    return list({profile.key: profile for profile in sorted(found, key=lambda one: one.last_seen)}.values())


def _looking_on(state: Path) -> ExtenderSettings:
    """The state directory's settings, but for a share of 1 in the shadow, and for time, of which there is enough."""
    settings = read_settings(state)
    policy = settings.leeward_policy.model_copy(update={"shadow_share": 1.0})
    return settings.model_copy(update={"leeward_policy": policy, "budget_seconds": _AS_LONG_AS_IT_TAKES})


def _refuse_refusal(answer: Answer) -> None:
    if answer.status != HTTPStatus.OK:
        raise EvaluationError(f"the extender refused what kube-scheduler would send: {answer.content.decode()}")


def _write_outcomes(state: Path, outcomes: Sequence[LabelledTrace]) -> None:
    from feature_repo.labels import write_labels  # noqa: PLC0415 - Feast takes seconds, and is not always wanted
    from feature_repo.store import open_store  # noqa: PLC0415 - as above

    write_labels(open_store(state), outcomes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, and say what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, required=True, help="directory of the recording")
    parser.add_argument("--state", type=Path, required=True, help="state directory with a champion and profiles")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outcomes", action="store_true", help="write slowdowns into the state's feature store")
    told = parser.parse_args(arguments)
    try:
        found = rehearse(told.into, told.state, nodes=told.nodes, pods=told.pods, seed=told.seed)
        if told.outcomes:
            _write_outcomes(told.state, found.outcomes)
    except (*_REFUSALS, OSError) as error:
        sys.stderr.write(f"leeward: {error}\n")
        return 1
    sys.stdout.write(
        f"SIMULATED: {found.placed} pods placed, {found.refused} found no room, until {found.until:%Y-%m-%d %H:%M:%S}; "
        f"replay it with `leeward eval replay --recording {told.into} --state {told.state}`\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
