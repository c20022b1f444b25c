"""How many pods a node holds before they hurt one another: every policy at the same harm instead of at the same load.

A policy is played at several loads. Between these, its violated time is a line over the pods a node; where that line
crosses the harm that is accepted, its packing is read off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.errors import EvaluationError
from eval.figure import Figure
from eval.placement.compare import compared
from eval.placement.packing_report import PACKING_FILE, Curve, PackedPolicy, PackingReport, Reach
from eval.placement.policies import PolicyName
from eval.placement.report import PlacementReport
from eval.placement.settings import PlacementSettings
from eval.progress import Progress, silent
from eval.reports import write_report
from pipelines.bootstrap import Interval

RESAMPLES = 2000
_SEED = 1

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayedLoads:
    """One policy at every load.

    Attributes:
        violated: float64 ``(loads, runs)``, shares of the pods' time.
        pods_per_node: float64 ``(loads, runs)``.
    """

    violated: DoubleArray
    pods_per_node: DoubleArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Default:
    """The default scheduler's packing, in the runs as they are and in each draw of them; and whether it was reached."""

    packed: DoubleArray
    reach: Reach


_SIDE = {Reach.FEWER: -1, Reach.WITHIN: 0, Reach.MORE: 1}


def packing_report(
    reports: Sequence[PlacementReport], *, loads: Sequence[float], harm: float, confidence: float
) -> PackingReport:
    """Sum up comparisons that differ in their load alone.

    Args:
        reports: one a load, with the same runs and policies.
        loads: rising, two at least.
        harm: the violated share of the pods' time that is accepted, above 0 and below 1.
        confidence: of all intervals, which are percentiles over resampled runs (Efron, "Bootstrap methods", 1979).

    Raises:
        EvaluationError: there is only one load, they do not rise, or no such harm.
    """
    refuse_bad_loads(loads, harm=harm)
    names = [figures.policy for figures in reports[0].policies]
    played = {name: _played(reports, name) for name in names}
    draws = _resampled(len(reports[0].runs))
    default = _Default(
        packed=_packed_in(played[PolicyName.DEFAULT], harm=harm, draws=draws),
        reach=_reach(played[PolicyName.DEFAULT].violated.mean(axis=1), harm=harm),
    )
    return PackingReport(
        training_data=reports[0].training_data,
        mix=reports[0].mix,
        nodes=reports[0].nodes,
        harm=harm,
        confidence=confidence,
        loads=tuple(loads),
        policies=tuple(
            _policy(name, played[name], default=default, harm=harm, draws=draws, confidence=confidence)
            for name in names
        ),
    )


def compare_packing(
    state: Path, settings: Sequence[PlacementSettings], *, harm: float, progress: Progress | None = None
) -> PackingReport:
    """Play every load that was not played before; the report goes to ``<state>/reports``.

    Args:
        state: the state directory, with the traces of a campaign.
        settings: they differ in their load alone.
        harm: see ``packing_report``.
        progress: told what is being done.

    Raises:
        EvaluationError: see ``packing_report``, and ``eval.placement.compare.compared`` for this and what else.
    """
    tell = progress or silent
    refuse_bad_loads([each.load for each in settings], harm=harm)
    reports = []
    for index, own in enumerate(settings):

        def of_all(doing: str, share: float, *, done: int = index, load: float = own.load) -> None:
            tell(f"load {load:g}: {doing}", (done + share) / len(settings))

        reports.append(compared(state, own, resume=True, progress=of_all))
    report = packing_report(
        reports, loads=[each.load for each in settings], harm=harm, confidence=settings[0].confidence
    )
    write_report(report, state, PACKING_FILE)
    return report


def refuse_bad_loads(loads: Sequence[float], *, harm: float) -> None:
    """Refuse what no packing can be read off from.

    Raises:
        EvaluationError: there is only one load, they do not rise, or no such harm.
    """
    if len(loads) < 2 or list(loads) != sorted(set(loads)) or not 0.0 < harm < 1.0:
        raise EvaluationError(
            f"loads {', '.join(f'{load:g}' for load in loads)} and a harm of {harm:g}: two loads at least, rising, and "
            "a share above 0 and below 1 are meant"
        )


def packed(violated: DoubleArray, pods_per_node: DoubleArray, *, harm: float) -> float:
    """Pods a node at which a policy does the accepted harm; the first or last played where it never crosses it.

    Both means are first made rising over the loads: harm that falls with load is chance. It is the least-squares fit by
    pooling adjacent violators (Ayer et al., "An empirical distribution function for sampling with incomplete
    information", 1955).

    Args:
        violated, pods_per_node: float64 ``(loads,)``, means over runs, in the order of the loads.
        harm: 0 to 1.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - a quarter of a second that few commands need

    rising, pods = isotonic_regression(violated).x, isotonic_regression(pods_per_node).x
    above = np.flatnonzero(rising > harm)
    if not len(above):
        return float(pods[-1])
    upper = int(above[0])
    if upper == 0:
        return float(pods[0])
    lower = upper - 1
    share = (harm - rising[lower]) / (rising[upper] - rising[lower])
    return float(pods[lower] + share * (pods[upper] - pods[lower]))


def _played(reports: Sequence[PlacementReport], name: PolicyName) -> PlayedLoads:
    runs = [[next(run for run in each.policies if run.policy is name) for each in report.runs] for report in reports]
    return PlayedLoads(
        violated=np.array([[run.violated for run in row] for row in runs]),
        pods_per_node=np.array([[run.pods_per_node for run in row] for row in runs]),
    )


def _resampled(runs: int) -> NDArray[np.intp]:
    """``(RESAMPLES + 1, runs)``: the runs as they are, then drawn with replacement; the same draws for every policy."""
    drawn = np.random.default_rng(_SEED).integers(runs, size=(RESAMPLES, runs))
    return np.concatenate([np.arange(runs)[np.newaxis], drawn])


def _packed_in(played: PlayedLoads, *, harm: float, draws: NDArray[np.intp]) -> DoubleArray:
    violated, pods = played.violated[:, draws].mean(axis=2), played.pods_per_node[:, draws].mean(axis=2)
    return np.array(
        [packed(own, at, harm=harm) for own, at in zip(violated.T, pods.T, strict=True)],
    )


def _policy(
    name: PolicyName,
    played: PlayedLoads,
    *,
    default: _Default,
    harm: float,
    draws: NDArray[np.intp],
    confidence: float,
) -> PackedPolicy:
    """Beyond what was played, either side of a multiple is a bound, and two on the same side say nothing."""
    own, runs = _packed_in(played, harm=harm, draws=draws), draws.shape[1]

    def figure(values: DoubleArray) -> Figure:
        tail = (1.0 - confidence) / 2.0
        lower, upper = np.quantile(values[1:], [tail, 1.0 - tail]).tolist()
        value = float(values[0])
        return Figure.of(Interval(value=value, lower=min(lower, value), upper=max(upper, value)), units=runs)

    violated = played.violated.mean(axis=1)
    reach = _reach(violated, harm=harm)
    further = _SIDE[reach] - _SIDE[default.reach]
    says_nothing = name is PolicyName.DEFAULT or reach is default.reach is not Reach.WITHIN
    return PackedPolicy(
        policy=name,
        pods_per_node=figure(own),
        reach=reach,
        times_default=None if says_nothing else figure(own / default.packed),
        times_reach=Reach.MORE if further > 0 else Reach.FEWER if further < 0 else Reach.WITHIN,
        curve=tuple(
            Curve(violated=share, pods_per_node=pods)
            for share, pods in zip(violated.tolist(), played.pods_per_node.mean(axis=1).tolist(), strict=True)
        ),
    )


def _reach(violated: DoubleArray, *, harm: float) -> Reach:
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - as above

    rising = isotonic_regression(violated).x
    if rising[0] > harm:
        return Reach.FEWER
    return Reach.MORE if rising[-1] <= harm else Reach.WITHIN
