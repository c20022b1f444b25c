"""What one request is told: the nodes that fail, and the scores of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from scheduler_extender.kept import KeptWorkload
from scheduler_extender.pod import ENFORCEMENT, MAX_SLOWDOWN, Pod
from scheduler_extender.policy import LeewardPolicy, UnknownRegime
from scheduler_extender.scoring import LOWEST, NEUTRAL_LOW, node_scores, tie_breaker
from scheduler_extender.standing import STANDINGS, CodeArray, Standing, code_of, standings
from scheduler_extender.view import ClusterView, IndexArray


def _whether_in(*chosen: Standing) -> NDArray[np.bool_]:
    """By code."""
    return np.array([standing in chosen for standing in STANDINGS])


_SOMETHING_SEEN = ~_whether_in(Standing.ABSENT, Standing.FORMER)
"""What is kept of other nodes, if anything is, was never seen of them."""
_BOUNDED = _whether_in(Standing.KNOWN, Standing.UNDECIDED)
_SCORED_BY_BOUND = {UnknownRegime.NEUTRAL: _whether_in(Standing.KNOWN), UnknownRegime.BOUND: _BOUNDED}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """On the nodes of one request, in its order.

    Attributes:
        nodes, rows: their names, and where they stand in the view.
        standing: codes, see ``scheduler_extender.standing``.
        scores: int64, 0 to 10.
        ratios: float64, the worst ratio of a party's bound to its tolerance; NaN where nothing is predicted.
        pod, tolerance: the newcomer, and the slowdown that it tolerates.
        required: nodes where that would be exceeded are no choice.
        kept: what is predicted for its workload; ``None`` where nothing is.
    """

    nodes: Sequence[str]
    rows: IndexArray
    standing: CodeArray
    scores: NDArray[np.int64]
    ratios: NDArray[np.float64]
    pod: Pod
    tolerance: float
    required: bool
    kept: KeptWorkload | None

    def without_state(self) -> list[str]:
        """Nodes that no agent has reported on."""
        absent = code_of(Standing.ABSENT)
        return [self.nodes[place] for place in np.flatnonzero(self.standing == absent).tolist()]

    def failed(self) -> dict[str, str]:
        """Node name to the reason, for those that policy rules out by a bound on a fresh state.

        An undecided regime is no way past the filter: where nobody can say what presses a node, a pod that requires its
        tolerance is no better off than where a bound of the same height is known. Reasons name no figure of the node:
        kube-scheduler counts equal ones, and shows the counts to the pod's owner.
        """
        if self.kept is None:
            return {}
        found = self.kept.rows.take(self.rows)
        bounded = _BOUNDED.take(self.standing)
        own = bounded & (found["newcomer"] > self.tolerance) & self.required
        of_others = bounded & (found["demanding"] > 1.0) & ~own
        reasons = dict.fromkeys((self.nodes[place] for place in np.flatnonzero(own).tolist()), self._own_reason())
        for place in np.flatnonzero(of_others).tolist():
            resident = self.kept.demanding[int(self.rows[place])]
            reasons[self.nodes[place]] = _resident_reason(resident.pod.full_name, resident.tolerance)
        return reasons

    def _own_reason(self) -> str:
        return (
            f"contention may slow this pod down beyond the factor {self.tolerance:g} that it tolerates: raise its "
            f"{MAX_SLOWDOWN}, or drop {ENFORCEMENT}"
        )


def verdict_on(
    nodes: Sequence[str],
    rows: IndexArray,
    *,
    pod: Pod,
    kept: KeptWorkload | None,
    view: ClusterView,
    now: datetime,
    policy: LeewardPolicy,
) -> Verdict:
    """Judge nodes by what is kept of them; where nothing is, all pass, and all are alike.

    Args:
        nodes, rows: names, and where they stand in the view.
        pod: the newcomer.
        kept: what is predicted for its workload; ``None`` where nothing is.
        view, now, policy: the cluster as it is known, UTC, and the operator's decisions.
    """
    tolerance = policy.tolerance_of(pod)
    standing = standings(view, rows, kept=None if kept is None else kept.rows, now=now, policy=policy)
    if kept is None or not len(view):
        scores = np.full(len(nodes), NEUTRAL_LOW, dtype=np.int64)
        ratios = np.full(len(nodes), np.nan)
    else:
        found = kept.rows.take(rows)
        ratios = np.maximum(found["newcomer"] / tolerance, found["residents"])
        predicted = _SOMETHING_SEEN.take(standing) & view.rows["own"].take(rows)
        predicted &= (found["revision"] > 0) & ~found["no_room"]
        scores = node_scores(
            ratio=ratios,
            tie=tie_breaker(found["median"], found["pressed"]),
            known=_SCORED_BY_BOUND[policy.unknown_regime].take(standing),
            predicted=predicted,
            quiet=found["quiet"],
        )
        scores[standing == code_of(Standing.NO_ROOM)] = LOWEST
        ratios[~predicted] = np.nan
    return Verdict(
        nodes=nodes,
        rows=rows,
        standing=standing,
        scores=scores,
        ratios=ratios,
        pod=pod,
        tolerance=tolerance,
        required=policy.requires(pod),
        kept=kept if len(view) else None,
    )


def _resident_reason(resident: str, tolerance: float) -> str:
    return (
        f"this pod may slow {resident} down beyond the factor {tolerance:g} that it tolerates: raise that pod's "
        f"{MAX_SLOWDOWN}, or drop its {ENFORCEMENT}"
    )
