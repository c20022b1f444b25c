"""What is played: which groups are left out together, with which seeds; and the playing of one policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from eval.placement.agents import Agents
from eval.placement.arrivals import Schedule, draw_schedule
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import DefaultPolicy
from eval.placement.demand import BACKGROUND_GROUP, demands_of
from eval.placement.ledger import RunFigures
from eval.placement.leeward import LeewardPolicy
from eval.placement.oracle import OraclePolicy
from eval.placement.play import play
from eval.placement.policy import Policy, PolicyName
from eval.placement.settings import PlacementSettings
from eval.placement.threshold import LatestStates, ThresholdPolicy
from eval.testbed.cluster import simulated_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One schedule, and what must not be known of it before.

    Attributes:
        functions: groups of the network functions that come.
        nodes_seed, schedule_seed, ties_seed: the same for every policy.
    """

    functions: frozenset[str]
    nodes_seed: int
    schedule_seed: int
    ties_seed: int

    @property
    def unseen(self) -> frozenset[str]:
        """Groups that the bundle is trained without: all that is placed."""
        return self.functions | {BACKGROUND_GROUP}


def draw_runs(settings: PlacementSettings, functions: Sequence[str]) -> tuple[Run, ...]:
    """Cut groups of network functions into parts; each part is placed in one run, with the background.

    So in each repetition every network function is placed once, by a bundle that has not seen it.

    Args:
        settings: how many parts, how often.
        functions: the groups, see ``eval.placement.demand.function_groups``.
    """
    rng = np.random.default_rng(settings.seed)
    runs = []
    for _ in range(settings.repetitions):
        groups = rng.permutation(functions).tolist()
        for part in range(settings.parts):
            nodes_seed, schedule_seed, ties_seed = rng.integers(2**31, size=3).tolist()
            runs.append(
                Run(
                    functions=frozenset(groups[part :: settings.parts]),
                    nodes_seed=nodes_seed,
                    schedule_seed=schedule_seed,
                    ties_seed=ties_seed,
                )
            )
    return tuple(runs)


def schedule_of(
    run: Run, profiles: Sequence[WorkloadProfile], settings: PlacementSettings, *, capacity_cpus: int
) -> Schedule:
    """The run's arrivals.

    Raises:
        EvaluationError: a workload has no profile.
    """
    return draw_schedule(
        demands_of(run.functions, profiles),
        demands_of(frozenset({BACKGROUND_GROUP}), profiles),
        settings,
        capacity_cpus=capacity_cpus,
        rng=np.random.default_rng(run.schedule_seed),
    )


def play_run(
    run: Run, name: PolicyName, *, profiles: Sequence[WorkloadProfile], state: Path, settings: PlacementSettings
) -> RunFigures:
    """Play a run under one policy.

    Args:
        run: what comes.
        name: the policy.
        profiles: of what comes, from profile runs.
        state: of this run, see ``eval.placement.unseen.prepare_state``; only Leeward looks at it.
        settings: paces.

    Raises:
        EvaluationError: a workload has no profile, or Leeward no champion.
        TestbedError: the testbed finds no equilibrium.
    """
    cluster = Cluster(simulated_nodes(seed=run.nodes_seed))
    schedule = schedule_of(run, profiles, settings, capacity_cpus=cluster.cpus)
    policy = _policy(name, cluster, state=state, settings=settings, rng=np.random.default_rng(run.ties_seed))
    return play(schedule, policy, cluster)


def _policy(
    name: PolicyName, cluster: Cluster, *, state: Path, settings: PlacementSettings, rng: np.random.Generator
) -> Policy:
    match name:
        case PolicyName.DEFAULT:
            return DefaultPolicy(cluster, rng=rng)
        case PolicyName.THRESHOLD:
            latest = LatestStates()
            agents = Agents(
                cluster,
                publisher=latest,
                window_seconds=settings.window_seconds,
                heartbeat_seconds=settings.heartbeat_seconds,
            )
            return ThresholdPolicy(cluster, agents=agents, latest=latest, rng=rng)
        case PolicyName.LEEWARD:
            return LeewardPolicy(cluster, state=state, settings=settings, rng=rng)
        case PolicyName.ORACLE:
            return OraclePolicy(cluster)
