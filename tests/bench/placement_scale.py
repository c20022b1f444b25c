"""What one seed of the placement comparison takes: all policies on one schedule, in two processes.

``python -m tests.bench.placement_scale STATE [NODES PODS [POLICIES]]`` prints the table of ``docs/benchmarks.md``.
``STATE`` has the traces of a campaign; the bundle is taken from ``STATE/placement``, where ``leeward eval placement``
leaves it, or trained there first, which is not timed.
"""

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contracts.profile import WorkloadProfile
from eval.placement.compare import RUNS, TRAINING, part_name
from eval.placement.demand import function_groups
from eval.placement.ledger import RunFigures
from eval.placement.policies import PolicyName
from eval.placement.runs import Run, draw_runs, play_run
from eval.placement.settings import PlacementSettings, settings_for
from eval.placement.unseen import prepare_state, profiles_of
from eval.placement.workers import workers
from pipelines.dataset import dataset_directory, read_dataset
from serving.champion import champion_path
from tests.bench.own_process import peak_mib

WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one policy took.

    Attributes:
        figures: what came of it.
        seconds, processor_seconds: from empty nodes to the figures.
        peak_mib: the most memory of its process so far, other policies' runs before it included.
    """

    figures: RunFigures
    seconds: float
    processor_seconds: float
    peak_mib: float


def measured(
    run: Run, name: PolicyName, *, profiles: tuple[WorkloadProfile, ...], state: Path, settings: PlacementSettings
) -> Cost:
    """Play a run under one policy, in this process."""
    began, processor_began = time.monotonic(), time.process_time()
    figures = play_run(run, name, profiles=profiles, state=state, settings=settings)
    return Cost(
        figures=figures,
        seconds=time.monotonic() - began,
        processor_seconds=time.process_time() - processor_began,
        peak_mib=peak_mib(),
    )


def main(state: Path, *, nodes: int, pods: int, policies: str) -> None:
    """Print a line a policy, and what all of it took."""
    settings = settings_for(mix="mixed", policies=policies, nodes=nodes, pods=pods, seeds=2, load=0.5)
    dataset = read_dataset(dataset_directory(state))
    run = draw_runs(settings, function_groups(dataset.profiles))[0]
    part = state / RUNS / part_name(run, training=TRAINING, training_data=dataset.digest)
    if not champion_path(part).exists():
        part.mkdir(parents=True, exist_ok=True)
        prepare_state(part, dataset, run.unseen, settings=TRAINING)
    profiles = profiles_of(dataset, run.unseen)
    calls = {
        name: partial(measured, run, name, profiles=profiles, state=part, settings=settings)
        for name in sorted(settings.policies, key=_EXPENSIVE_FIRST.index)
    }
    began = time.monotonic()
    with workers(WORKERS) as pool:
        costs = dict(pool.each(calls))
    seconds = time.monotonic() - began
    print("| policy | seconds | processor, s | violated | placed | refused | most memory, MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, cost in costs.items():
        print(
            f"| {name} | {cost.seconds:.0f} | {cost.processor_seconds:.0f} | {100 * cost.figures.violated:.1f} % "
            f"| {cost.figures.placed:,} | {cost.figures.refused:,} | {cost.peak_mib:.0f} |"
        )
    print(f"\n{nodes} nodes, {pods:,} pods, {WORKERS} processes: {seconds:.0f} s")


_EXPENSIVE_FIRST = (
    *(PolicyName.PARTITIONED_LEEWARD, PolicyName.LEEWARD, PolicyName.REGIME_ONLY, PolicyName.THRESHOLD),
    *(PolicyName.ORACLE, PolicyName.PARTITIONED, PolicyName.MOST_ALLOCATED, PolicyName.DEFAULT, PolicyName.RANDOM),
)
"""So that no process is left with a long one at the end."""

if __name__ == "__main__":
    directory, *rest = sys.argv[1:]
    asked_nodes, asked_pods = (int(number) for number in rest[:2] or ("200", "5000"))
    main(Path(directory), nodes=asked_nodes, pods=asked_pods, policies=rest[2] if len(rest) > 2 else "")
