"""What is played: which groups are left out together, with which seeds; and the playing of one policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from eval.errors import EvaluationError
from eval.placement.agents import Agents
from eval.placement.arrivals import Schedule, draw_schedule
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import DefaultPolicy
from eval.placement.demand import BACKGROUND_GROUP, demands_of
from eval.placement.ledger import RunFigures
from eval.placement.leeward import LeewardPolicy, champion_in
from eval.placement.oracle import OraclePolicy
from eval.placement.play import play
from eval.placement.policies import PolicyName
from eval.placement.policy import Policy
from eval.placement.random_choice import RandomPolicy
from eval.placement.regime_only import RegimeScores
from eval.placement.settings import PlacementSettings
from eval.placement.telemetry_policy import LatestStates, TelemetryPolicy
from eval.placement.threshold import threshold_scores
from eval.testbed.cluster import simulated_nodes
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One schedule, and what must not be known of it before.

    Attributes:
        part: number of the part that the groups are of.
        held_out: groups of the part, of whatever mix.
        functions: groups of those that come.
        nodes_seed, schedule_seed, ties_seed: the same for every policy.
    """

    part: int
    held_out: frozenset[str]
    functions: frozenset[str]
    nodes_seed: int
    schedule_seed: int
    ties_seed: int

    @property
    def unseen(self) -> frozenset[str]:
        """Groups that the bundle is trained without: all that is placed, and what other mixes place of this part."""
        return self.held_out | {BACKGROUND_GROUP}


def draw_runs(
    settings: PlacementSettings, functions: Sequence[str], *, taken: frozenset[str] | None = None
) -> tuple[Run, ...]:
    """Cut groups of network functions into parts; each part is placed in one run, with the background.

    So in each repetition every network function is placed once, by a bundle that has not seen it. Repetitions share
    the parts, and so the bundles; nodes, arrivals and ties are drawn anew.

    Args:
        settings: how many parts, how often.
        functions: the groups, see ``eval.placement.demand.function_groups``.
        taken: those that the mix takes; all where absent.

    Raises:
        EvaluationError: the mix takes nothing of a part.
    """
    rng = np.random.default_rng(settings.seed)
    runs = []
    groups = rng.permutation(functions).tolist()
    parts = [frozenset(groups[part :: settings.parts]) for part in range(settings.parts)]
    for _ in range(settings.repetitions):
        for part, held_out in enumerate(parts):
            coming = held_out if taken is None else held_out & taken
            if not coming:
                raise EvaluationError(
                    f"mix {settings.mix} takes none of {', '.join(sorted(held_out))}: cut fewer parts"
                )
            nodes_seed, schedule_seed, ties_seed = rng.integers(2**31, size=3).tolist()
            runs.append(
                Run(
                    part=part,
                    held_out=held_out,
                    functions=coming,
                    nodes_seed=nodes_seed,
                    schedule_seed=schedule_seed,
                    ties_seed=ties_seed,
                )
            )
    return tuple(runs[: settings.runs])


def schedule_of(
    run: Run, profiles: Sequence[WorkloadProfile], settings: PlacementSettings, *, capacity_cpus: int
) -> Schedule:
    """The run's arrivals.

    Raises:
        EvaluationError: a workload has no profile.
    """
    return draw_schedule(
        demands_of(run.functions, profiles, mix=settings.mix),
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
        state: of this run, see ``eval.placement.unseen.prepare_state``; only Leeward looks at it, whole or without
            its model.
        settings: paces.

    Raises:
        EvaluationError: a workload has no profile, or Leeward no champion.
        TestbedError: the testbed finds no equilibrium.
    """
    nodes = simulated_nodes(seed=run.nodes_seed, count=settings.nodes)
    cluster = Cluster(nodes, partitioned=name.partitions)
    schedule = schedule_of(run, profiles, settings, capacity_cpus=cluster.cpus)
    policy = _policy(name, cluster, state=state, settings=settings, rng=np.random.default_rng(run.ties_seed))
    return play(schedule, policy, cluster)


def _policy(
    name: PolicyName, cluster: Cluster, *, state: Path, settings: PlacementSettings, rng: np.random.Generator
) -> Policy:
    def agents(latest: LatestStates, bundle: Bundle | None = None) -> Agents:
        return Agents(
            cluster,
            publisher=latest,
            window_seconds=settings.window_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            predictor=None if bundle is None else RegimeModel(bundle),
            bundle_digest=None if bundle is None else bundle.digest,
        )

    latest = LatestStates()
    policy: Policy
    match name:
        case PolicyName.DEFAULT | PolicyName.PARTITIONED | PolicyName.MOST_ALLOCATED:
            policy = DefaultPolicy(cluster, rng=rng, packing=name is PolicyName.MOST_ALLOCATED)
        case PolicyName.RANDOM:
            policy = RandomPolicy(rng)
        case PolicyName.THRESHOLD:
            policy = TelemetryPolicy(cluster, agents=agents(latest), latest=latest, scores=threshold_scores, rng=rng)
        case PolicyName.REGIME_ONLY:
            policy = TelemetryPolicy(
                cluster, agents=agents(latest, champion_in(state)), latest=latest, scores=RegimeScores(), rng=rng
            )
        case PolicyName.LEEWARD | PolicyName.PARTITIONED_LEEWARD:
            policy = LeewardPolicy(cluster, state=state, settings=settings, rng=rng)
        case PolicyName.ORACLE:
            policy = OraclePolicy(cluster)
    return policy
