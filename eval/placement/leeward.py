"""Leeward as it runs: agents publish, the extender takes it over and answers kube-scheduler.

Between the two there is no file and no network; a NodeState and a pod are the objects that the extender's sources
yield.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import msgspec
import numpy as np

from contracts.nodestate import NodeState
from eval.errors import EvaluationError
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import MAX_NODE_SCORE, default_scores, select_host
from eval.placement.pods import extender_args, pod_object
from eval.placement.settings import PlacementSettings
from eval.placement.telemetry_policy import LatestStates
from eval.testbed.node import START_WALL_NS
from scheduler_extender.intake import News
from scheduler_extender.main import build_extender
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.service import Answer
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.sources import Change, Changes
from serving.bundle_directory import Bundle
from serving.champion import load_champion
from serving.regime_model import RegimeModel

EXTENDER_WEIGHT = 5
"""As in ``infra/kustomize/scheduler/scheduler.yaml``."""
MAX_EXTENDER_SCORE = 10
EXTENDER_FACTOR = EXTENDER_WEIGHT * (MAX_NODE_SCORE // MAX_EXTENDER_SCORE)
"""What a point of the extender's counts beside kube-scheduler's own plugins (``prioritizeNodes`` in its
``schedule_one.go``)."""


class _Filtered(msgspec.Struct, rename="pascal"):
    node_names: list[str]


class _Priority(msgspec.Struct, rename="pascal"):
    host: str
    score: int


_FILTERED = msgspec.json.Decoder(_Filtered)
_PRIORITISED = msgspec.json.Decoder(list[_Priority])


class LeewardPolicy:
    """The default scheduler with Leeward's extender beside it.

    Args:
        cluster: the nodes; its clock is the extender's, too.
        state: a state directory with a champion and the profiles of the workloads that come; nothing is written there.
        settings: the agents' paces, and the extender's policy.
        rng: for ties.

    Attributes:
        bundle_digest: of the champion.

    Raises:
        EvaluationError: there is no champion.
        BundleError: the champion can't be used.
        ExtenderError: the extender's settings can't be used.
    """

    def __init__(self, cluster: Cluster, *, state: Path, settings: PlacementSettings, rng: np.random.Generator) -> None:
        bundle = champion_in(state)
        self.bundle_digest = bundle.digest
        self._cluster = cluster
        self._rng = rng
        self._published = LatestStates()
        self._taken_over: dict[str, NodeState] = {}
        self._pods: list[Change[Pod]] = []
        self._agents = Agents(
            cluster,
            publisher=self._published,
            window_seconds=settings.window_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            predictor=RegimeModel(bundle),
            bundle_digest=bundle.digest,
        )
        self._extender = build_extender(
            state, ExtenderSettings(leeward_policy=settings.leeward_policy), clock=self._now
        )

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """Filter, prioritise, add up as kube-scheduler does, take the best."""
        self._agents.report()
        self._extender.take_over(self._news())
        self._settle(arrival, feasible)
        passed = self._passed(arrival, list(feasible))
        if not passed:
            return None
        own = self._scores(arrival, passed)
        total = {
            node: score + EXTENDER_FACTOR * own[node]
            for node, score in default_scores(arrival, passed, self._cluster).items()
        }
        return select_host(total, self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """The API server shows the pod as bound and started."""
        pod = parse_pod(json.dumps(pod_object(arrival, node=node, started=self._now())))
        self._pods.append(Change(name=arrival.uid, value=pod))

    def ended(self, uid: str) -> None:
        """The API server shows the pod no more."""
        self._pods.append(Change(name=uid, value=None))

    @property
    def node_states(self) -> Mapping[str, NodeState]:
        """What each agent published last, by node."""
        return self._published.states

    def _news(self) -> News:
        """What came since the last time, as the extender's own sources would tell it."""
        states = self._published.states
        changed = [
            Change(name=node, value=state) for node, state in states.items() if self._taken_over.get(node) is not state
        ]
        self._taken_over = dict(states)
        pods, self._pods = self._pods, []
        return News(pods=Changes(changed=pods), node_states=Changes(changed=changed))

    def _now(self) -> datetime:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_WALL_NS // 1000)
        return start + timedelta(seconds=self._cluster.now_seconds)

    def _settle(self, arrival: Arrival, nodes: Sequence[str]) -> None:
        """What a live extender has long done ahead of the request: newer windows of the same residents count."""
        self._extender.scores(parse_pod(json.dumps(pod_object(arrival))), nodes)

    def _passed(self, arrival: Arrival, nodes: list[str]) -> list[str]:
        return _FILTERED.decode(_content(self._extender.filter, extender_args(arrival, nodes))).node_names

    def _scores(self, arrival: Arrival, nodes: list[str]) -> Mapping[str, int]:
        found = _PRIORITISED.decode(_content(self._extender.prioritize, extender_args(arrival, nodes)))
        return {entry.host: entry.score for entry in found}


def champion_in(state: Path) -> Bundle:
    """The bundle that serves.

    Raises:
        EvaluationError: there is none.
        BundleError: it can't be used.
    """
    bundle = load_champion(state)
    if bundle is None:
        raise EvaluationError(f"{state} has no champion: train first")
    return bundle


def _content(verb: Callable[[bytes], Answer], body: bytes) -> bytes:
    """The answer's body.

    Raises:
        EvaluationError: the extender refused the request.
    """
    answer = verb(body)
    if answer.status != HTTPStatus.OK:
        raise EvaluationError(f"the extender refused what kube-scheduler would send: {answer.content.decode()}")
    return answer.content
