"""Sixteen simulated nodes with tenants on them, measured by the agent's code and published as it publishes.

One node stays empty, and on one both sockets are pressed, so that a reader knows beforehand which should do well and
which should not; the others get tenants by chance.
"""

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.once import observe
from agent.publish import DirectoryPublisher
from agent.settings import AgentSettings
from contracts.axis import Axis
from contracts.nodestate import NodeState
from contracts.profile import WorkloadProfile
from eval.errors import EvaluationError
from eval.placement.arrivals import Arrival
from eval.placement.demand import demand_of
from eval.placement.pods import pod_object
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.cluster import simulated_nodes
from eval.testbed.kubelet import pod_placement
from eval.testbed.node import SimulatedNode
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload
from scheduler_extender.directory import PODS
from serving.champion import load_champion
from serving.regime_model import RegimeModel

EMPTY_NODE = "spr-0008"
PRESSED_NODE = "spr-0001"

_WINDOW_SECONDS = 10.0
_CHANCE_OF_ONE_MORE = 0.6
_MOST_TENANTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCluster:
    """What stands in the state directory, and what the simulator alone knows.

    Attributes:
        nodes: in the order of their numbers, with their tenants.
        states: what was published of each.
    """

    nodes: tuple[SimulatedNode, ...]
    states: tuple[NodeState, ...]

    def tenants(self, name: str) -> int:
        """How many workloads and stressors run on a node."""
        node = next(node for node in self.nodes if node.name == name)
        return sum(len(node.occupants(domain.name)) for domain in node.topology.domains)

    def true_worst_slowdowns(self, newcomer: Workload, *, exclusive_cpus: int) -> Mapping[str, float]:
        """Per node, the worst true slowdown of any party if a workload came, on the worse of the sockets with room.

        Nodes without room are absent. Nothing that is published or trained on knows these.

        Args:
            newcomer: how it behaves.
            exclusive_cpus: that its pod asks for, enough for its workers.
        """
        found = {}
        for node in self.nodes:
            placed = pod_placement(node)
            worst = [
                _worst_slowdown(node, newcomer, domain.name)
                for domain in node.topology.domains
                if (placed.free_in(domain.name) or 0) >= exclusive_cpus
                and node.free_cores(domain.name) >= newcomer.exclusive_cores
            ]
            if worst:
                found[node.name] = max(worst)
        return found


def measure_cluster(state: Path, *, seed: int) -> MeasuredCluster:
    """Let tenants run, measure every node for one window, and publish NodeStates and pods into a state directory.

    Args:
        state: with a champion.
        seed: of the tenants and of all noise.

    Raises:
        EvaluationError: there is no champion.
        BundleError: the champion can't be used.
        PublishError: the state directory can't be written.
    """
    bundle = load_champion(state)
    if bundle is None:
        raise EvaluationError(f"{state} has no champion to judge regimes with: train first")
    predictor = RegimeModel(bundle)
    publisher = DirectoryPublisher(state)
    profiles = {profile.key: profile for profile in bundle.profiles}
    known = [workload for workload in WORKLOADS if workload.name in profiles]
    nodes = simulated_nodes(seed=seed, wall_ns=time.time_ns() - round(2 * _WINDOW_SECONDS * 1e9))
    _forget_pods(state)
    states = []
    for node, tenants in zip(nodes, _tenants(nodes, known, np.random.default_rng(seed)), strict=True):
        _settle(node, tenants, state=state, profiles=profiles)
        seen = observe(
            [node.source()],
            node.topology,
            AgentSettings(node=node.name),
            predictor=predictor,
            bundle_digest=bundle.digest,
            pods=pod_placement(node),
            window_seconds=_WINDOW_SECONDS,
            clock=node.now,
            sleep=node.advance,
        )
        publisher.publish(seen)
        states.append(seen)
    return MeasuredCluster(nodes=nodes, states=tuple(states))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tenant:
    uid: str
    occupant: Workload | Stressor
    domain: str


def _tenants(
    nodes: Sequence[SimulatedNode], workloads: Sequence[Workload], rng: np.random.Generator
) -> list[list[_Tenant]]:
    return [_tenants_of(node, workloads, rng) for node in nodes]


def _tenants_of(node: SimulatedNode, workloads: Sequence[Workload], rng: np.random.Generator) -> list[_Tenant]:
    tenants: list[_Tenant] = []
    for domain in node.topology.domains:
        if node.name == EMPTY_NODE:
            continue
        if node.name == PRESSED_NODE:
            presses = (Stressor(axis=axis, intensity=1.0) for axis in (Axis.LLC, Axis.DDIO, Axis.LOCK))
            tenants += [
                _Tenant(uid=f"{node.name}-{domain.name}-{stressor.axis}", occupant=stressor, domain=domain.name)
                for stressor in presses
            ]
            continue
        room = node.free_cores(domain.name)
        while len([tenant for tenant in tenants if tenant.domain == domain.name]) < _MOST_TENANTS:
            chosen = workloads[int(rng.integers(len(workloads)))]
            if chosen.exclusive_cores > room or rng.random() > _CHANCE_OF_ONE_MORE:
                break
            room -= chosen.exclusive_cores
            uid = f"{node.name}-{domain.name}-{len(tenants)}"
            tenants.append(_Tenant(uid=uid, occupant=chosen, domain=domain.name))
    return tenants


def _settle(
    node: SimulatedNode, tenants: Sequence[_Tenant], *, state: Path, profiles: Mapping[str, WorkloadProfile]
) -> None:
    for tenant in tenants:
        node.place(tenant.uid, tenant.occupant, domain=tenant.domain)
        if isinstance(tenant.occupant, Workload):
            demand = demand_of(tenant.occupant, profiles[tenant.occupant.name])
            pod = pod_object(
                Arrival(uid=tenant.uid, demand=demand, at_seconds=0.0, until_seconds=math.inf),
                node=node.name,
                started=node.now(),
            )
            (state / PODS / f"{tenant.uid}.json").write_text(json.dumps(pod, indent=2) + "\n")
    node.advance(_WINDOW_SECONDS)


def _forget_pods(state: Path) -> None:
    directory = state / PODS
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("*.json"):
        path.unlink()


def _worst_slowdown(node: SimulatedNode, newcomer: Workload, domain: str) -> float:
    node.place("newcomer", newcomer, domain=domain)
    parties = [uid for uid, occupant in node.occupants(domain).items() if isinstance(occupant, Workload)]
    worst = max(node.true_slowdown(uid) for uid in parties)
    node.remove("newcomer")
    return worst
