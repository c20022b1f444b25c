"""Leeward as it runs: agents publish into a state directory, the extender reads it and answers kube-scheduler."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import msgspec
import numpy as np

from agent.publish import DirectoryPublisher
from eval.errors import EvaluationError
from eval.placement.agents import Agents
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import MAX_NODE_SCORE, default_scores, select_host
from eval.placement.pods import extender_args, pod_object
from eval.placement.settings import PlacementSettings
from eval.testbed.node import START_WALL_NS
from scheduler_extender.directory import PODS
from scheduler_extender.main import build_extender
from scheduler_extender.service import Answer
from serving.champion import load_champion
from serving.regime_model import RegimeModel

EXTENDER_WEIGHT = 5
"""As in ``infra/kustomize/scheduler/scheduler.yaml``."""
MAX_EXTENDER_SCORE = 10


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
        state: a state directory with a champion and the profiles of the workloads that come.
        settings: the agents' paces.
        rng: for ties.

    Attributes:
        bundle_digest: of the champion.

    Raises:
        EvaluationError: there is no champion.
        BundleError: the champion can't be used.
        ExtenderError: the extender's settings can't be used.
    """

    def __init__(self, cluster: Cluster, *, state: Path, settings: PlacementSettings, rng: np.random.Generator) -> None:
        bundle = load_champion(state)
        if bundle is None:
            raise EvaluationError(f"{state} has no champion: train first")
        self.bundle_digest = bundle.digest
        self._cluster = cluster
        self._rng = rng
        self._agents = Agents(
            cluster,
            publisher=DirectoryPublisher(state),
            window_seconds=settings.window_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            predictor=RegimeModel(bundle),
            bundle_digest=bundle.digest,
        )
        self._pods = state / PODS
        self._pods.mkdir(parents=True, exist_ok=True)
        self._extender = build_extender(state, clock=self._now)

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """Filter, prioritise, add up as kube-scheduler does, take the best."""
        self._agents.report()
        self._extender.refresh()
        passed = self._passed(arrival, list(feasible))
        if not passed:
            return None
        own = self._scores(arrival, passed)
        factor = EXTENDER_WEIGHT * (MAX_NODE_SCORE // MAX_EXTENDER_SCORE)
        total = {
            node: score + factor * own[node] for node, score in default_scores(arrival, passed, self._cluster).items()
        }
        return select_host(total, self._rng)

    def bound(self, arrival: Arrival, node: str) -> None:
        """The API server shows the pod as bound and started."""
        content = json.dumps(pod_object(arrival, node=node, started=self._now()))
        unfinished = self._pods / f".{arrival.uid}"
        unfinished.write_text(content)
        unfinished.replace(self._pods / f"{arrival.uid}.json")

    def ended(self, uid: str) -> None:
        """The API server shows the pod no more."""
        (self._pods / f"{uid}.json").unlink(missing_ok=True)

    def _now(self) -> datetime:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START_WALL_NS // 1000)
        return start + timedelta(seconds=self._cluster.now_seconds)

    def _passed(self, arrival: Arrival, nodes: list[str]) -> list[str]:
        return _FILTERED.decode(_content(self._extender.filter, extender_args(arrival, nodes))).node_names

    def _scores(self, arrival: Arrival, nodes: list[str]) -> Mapping[str, int]:
        found = _PRIORITISED.decode(_content(self._extender.prioritize, extender_args(arrival, nodes)))
        return {entry.host: entry.score for entry in found}


def _content(verb: Callable[[bytes], Answer], body: bytes) -> bytes:
    """The answer's body.

    Raises:
        EvaluationError: the extender refused the request.
    """
    answer = verb(body)
    if answer.status != HTTPStatus.OK:
        raise EvaluationError(f"the extender refused what kube-scheduler would send: {answer.content.decode()}")
    return answer.content
