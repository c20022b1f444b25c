"""From runs to figures over runs."""

from collections.abc import Mapping, Sequence

from eval.figure import Figure
from eval.intervals import mean_over_runs
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport, PlacementRun, PolicyFigures, PolicyRun
from eval.placement.runs import Run
from eval.placement.settings import PlacementSettings


def placement_report(
    runs: Sequence[Run],
    played: Mapping[tuple[int, PolicyName], PolicyRun],
    *,
    settings: PlacementSettings,
    training_data: str,
) -> PlacementReport:
    """What was played, summed up.

    Args:
        runs: two at least.
        played: what came of each run, by its position, under each policy.
        settings: that they were drawn with.
        training_data: digest of the traces.
    """
    by_policy = {name: [played[index, name] for index in range(len(runs))] for name in settings.policies}
    return PlacementReport(
        training_data=training_data,
        seed=settings.seed,
        mix=settings.mix,
        nodes=settings.nodes,
        confidence=settings.confidence,
        policies=tuple(
            _policy_figures(name, own, by_policy[PolicyName.DEFAULT], settings=settings)
            for name, own in by_policy.items()
        ),
        runs=tuple(
            PlacementRun(
                unseen_groups=tuple(sorted(run.unseen)),
                policies=tuple(own[index] for own in by_policy.values()),
            )
            for index, run in enumerate(runs)
        ),
    )


def _policy_figures(
    name: PolicyName, own: Sequence[PolicyRun], default: Sequence[PolicyRun], *, settings: PlacementSettings
) -> PolicyFigures:
    def figure(values: Sequence[float], *, least: float = 0.0, most: float = float("inf")) -> Figure:
        return Figure.of(
            mean_over_runs(values, confidence=settings.confidence), units=len(values), least=least, most=most
        )

    def spared(ours: Sequence[float], theirs: Sequence[float]) -> Figure | None:
        if name is PolicyName.DEFAULT:
            return None
        return figure([their - our for our, their in zip(ours, theirs, strict=True)], least=float("-inf"))

    violated, excess = [run.violated for run in own], [run.mean_excess for run in own]
    return PolicyFigures(
        policy=name,
        violated=figure(violated, most=1.0),
        violated_spared=spared(violated, [run.violated for run in default]),
        mean_excess=figure(excess),
        excess_spared=spared(excess, [run.mean_excess for run in default]),
        worst_slowdown=figure([run.worst_slowdown for run in own], least=1.0),
        p99_slowdown=figure([run.p99_slowdown for run in own], least=1.0),
        hurt=figure([run.hurt for run in own]),
        pods_per_node=figure([run.pods_per_node for run in own]),
        nodes_used=figure([run.nodes_used for run in own], most=float(settings.nodes)),
        load=figure([run.load for run in own], most=1.0),
        placed=sum(run.placed for run in own),
        refused=sum(run.refused for run in own),
    )
