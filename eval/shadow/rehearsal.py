"""A week in the shadow, rehearsed on the testbed: the default scheduler places, and the extender's own code looks on.

python -m eval.shadow.rehearsal --state DIRECTORY --nodes 8 --pods 140 --seed 1 [--shadow-share 0.5]

The state directory holds a champion, and profiles of what is to come. Decisions are written to it as an extender writes
them, outcomes and profiles into its feature store, where the report looks for them. All of it is simulated.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.errors import EvaluationError
from eval.placement.arrivals import Arrival, Schedule, draw_schedule
from eval.placement.cluster import Cluster
from eval.placement.demand import BACKGROUND_GROUP, demands_of, function_groups
from eval.placement.leeward import LeewardPolicy, champion_in
from eval.placement.mix import Mix
from eval.placement.play import play
from eval.placement.settings import PlacementSettings, settings_for
from eval.shadow.rehearsed_outcomes import RehearsedOutcomes
from eval.testbed.cluster import simulated_nodes
from feature_repo.labels import write_labels
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from scheduler_extender.decisions import DECISIONS, DecisionWriter
from scheduler_extender.main import build_extender
from scheduler_extender.settings import ExtenderSettings
from serving.published_profile import SUFFIX, profiles_directory

WEEK_SECONDS = 7 * 86_400.0
_EVERY_SECONDS = 3_600.0
"""How often each domain's outcomes are measured while nobody comes or goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of it.

    Attributes:
        outcomes: labels of all parties, window after window.
        profiles: of all that came.
        placed: pods that found a node.
    """

    outcomes: tuple[LabelledTrace, ...]
    profiles: tuple[WorkloadProfile, ...]
    placed: int


class OnlookingScheduler(LeewardPolicy):
    """The default scheduler with an extender in shadow mode beside it, which writes its decisions.

    Args:
        cluster, state, settings, rng: as of ``LeewardPolicy``.
        shadow_share: share of the workloads that it only looks at; the others are placed with its scores.
        writer: of decisions.
        outcomes: told of every change.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        state: Path,
        settings: PlacementSettings,
        rng: np.random.Generator,
        shadow_share: float,
        writer: DecisionWriter,
        outcomes: RehearsedOutcomes,
    ) -> None:
        super().__init__(cluster, state=state, settings=settings, rng=rng)
        policy = settings.leeward_policy.model_copy(update={"shadow_share": shadow_share})
        self._extender = build_extender(state, ExtenderSettings(leeward_policy=policy), clock=self._now)
        self._writer = writer
        self._outcomes = outcomes
        self._homes: dict[str, str] = {}

    def choose(self, arrival: Arrival, feasible: Sequence[str]) -> str | None:
        """As kube-scheduler does; what became of earlier pods is written."""
        chosen = super().choose(arrival, feasible)
        self._extender.write_decisions(self._writer)
        return chosen

    def bound(self, arrival: Arrival, node: str) -> None:
        """See ``LeewardPolicy``."""
        super().bound(arrival, node)
        self._homes[arrival.uid] = node
        self._outcomes.changed(node)

    def ended(self, uid: str) -> None:
        """See ``LeewardPolicy``; of a pod that found no node there is nothing to tell."""
        super().ended(uid)
        if (node := self._homes.pop(uid, None)) is not None:
            self._outcomes.changed(node)

    def end(self) -> None:
        """Write what became of the last pods."""
        self._extender.take_over(self._news())
        self._extender.write_decisions(self._writer)
        self._outcomes.end()


def rehearse(state: Path, *, nodes: int, pods: int, seed: int, shadow_share: float = 1.0) -> Rehearsed:
    """Play a week; decisions are written to the state directory.

    Args:
        state: with a champion, with profiles of batch jobs and of something else, and without decisions.
        nodes: how many simulated nodes.
        pods: how many come, at least.
        seed: of nodes, arrivals and ties.
        shadow_share: see ``scheduler_extender.policy``.

    Raises:
        EvaluationError: there is no champion, nobody to come, or somebody recorded decisions there already.
        BundleError: the champion can't be used.
        TestbedError: the testbed finds no equilibrium.
    """
    if (state / DECISIONS).exists():
        raise EvaluationError(f"{state / DECISIONS} is there already: name a state directory without decisions")
    profiles = _profiles_in(state)
    settings = settings_for(mix=Mix.MIXED, policies="", nodes=nodes, pods=pods, seeds=2, load=0.5)
    nodes_seed, schedule_seed, ties_seed = np.random.SeedSequence(seed).generate_state(3).tolist()
    cluster = Cluster(simulated_nodes(seed=nodes_seed, count=nodes))
    schedule = _week_of(profiles, settings, capacity_cpus=cluster.cpus, rng=np.random.default_rng(schedule_seed))
    outcomes = RehearsedOutcomes(
        cluster,
        {profile.key: profile for profile in profiles},
        window_seconds=settings.window_seconds,
        every_seconds=_EVERY_SECONDS,
    )
    with closing(DecisionWriter(state / DECISIONS)) as writer:
        scheduler = OnlookingScheduler(
            cluster,
            state=state,
            settings=settings,
            rng=np.random.default_rng(ties_seed),
            shadow_share=shadow_share,
            writer=writer,
            outcomes=outcomes,
        )
        figures = play(schedule, scheduler, cluster)
        scheduler.end()
    came = {arrival.demand.workload.name for arrival in schedule.arrivals}
    return Rehearsed(
        outcomes=outcomes.rows,
        profiles=tuple(profile for profile in profiles if profile.key in came),
        placed=figures.placed,
    )


def _week_of(
    profiles: Sequence[WorkloadProfile],
    settings: PlacementSettings,
    *,
    capacity_cpus: int,
    rng: np.random.Generator,
) -> Schedule:
    """Arrivals of all functions that have a profile, and of batch jobs, at the pace that fills a week."""
    groups = frozenset(function_groups(profiles))
    if not groups:
        raise EvaluationError("no function of the testbed has a profile there: run a campaign, then train")
    functions, background = demands_of(groups, profiles), demands_of(frozenset({BACKGROUND_GROUP}), profiles)
    drawn = draw_schedule(functions, background, settings, capacity_cpus=capacity_cpus, rng=rng)
    slower = WEEK_SECONDS / drawn.end_seconds
    return Schedule(
        arrivals=tuple(
            replace(arrival, at_seconds=slower * arrival.at_seconds, until_seconds=slower * arrival.until_seconds)
            for arrival in drawn.arrivals
        ),
        measured_from_seconds=slower * drawn.measured_from_seconds,
        end_seconds=WEEK_SECONDS,
    )


def _profiles_in(state: Path) -> tuple[WorkloadProfile, ...]:
    """The champion's snapshot, and what lies beside it."""
    published = (
        WorkloadProfile.from_json(file.read_bytes()) for file in sorted(profiles_directory(state).glob(f"*{SUFFIX}"))
    )
    by_key = {profile.key: profile for profile in (*champion_in(state).profiles, *published)}
    return tuple(by_key[key] for key in sorted(by_key))


def main(arguments: list[str]) -> None:
    """Rehearse, and keep what happened where the report looks for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--pods", type=int, default=140)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shadow-share", type=float, default=1.0)
    told = parser.parse_args(arguments)
    state: Path = told.state.resolve()
    rehearsed = rehearse(state, nodes=told.nodes, pods=told.pods, seed=told.seed, shadow_share=told.shadow_share)
    store = open_store(state)
    write_profiles(store, rehearsed.profiles)
    write_labels(store, rehearsed.outcomes)
    sys.stdout.write(
        f"Simulated: {rehearsed.placed} pods placed in a week, {len(rehearsed.outcomes)} outcomes. Now: leeward eval "
        f"shadow --state {told.state}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
