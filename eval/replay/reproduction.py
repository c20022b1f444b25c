"""Whether the replay is honest: what it says of recorded decisions, held against what the extender wrote."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from eval.replay.judge import ReplayedModel
from eval.replay.report import Reproduction
from eval.replay.walk import Judged, Judgement
from scheduler_extender.decisions import Decision

_ROUNDING = 1e-5
"""Decisions keep ratios in single precision."""


class Difference(StrEnum):
    """Why a decision is not reproduced, as far as it can be told."""

    OTHER_MODEL = "judged by a model that is not replayed"
    NOT_ASKED = "the extender was not asked about the node that was taken"
    OTHER_SETTINGS = "another tolerance or enforcement: settings have changed"
    OTHER_WORKLOAD = "another workload key: the pod was changed"
    PREDICTED_ONCE = "predicted then and not now, or the other way round: a state came, aged or was refused meanwhile"
    OTHER_NODES = "scored among other nodes: the scheduler asked about more or fewer"
    OTHER_BEST = "the same bound on the node, scored against another best one"
    OTHER_BOUND = "another bound: a state, pod, profile or observation that differs from what the extender had"


@dataclass(slots=True)
class ReproductionTally:
    """Decisions compared with what is replayed.

    Args:
        models: in the order of the judgements.
    """

    models: Sequence[ReplayedModel]
    compared: int = 0
    reproduced: int = 0
    asked_otherwise: int = 0
    differences: Counter[Difference] = field(default_factory=Counter)

    def add(self, judged: Judged) -> None:
        """One placement; without a decision there is nothing to compare."""
        decision = judged.placement.decision
        if decision is None:
            return
        self.compared += 1
        by_digest = {
            model.bundle.digest: judgement for model, judgement in zip(self.models, judged.judgements, strict=True)
        }
        judgement = by_digest.get(decision.champion)
        if judgement is not None:
            self.asked_otherwise += decision.nodes != _asked(decision, judged, judgement)
        difference = _difference(decision, judged, judgement)
        if difference is None:
            self.reproduced += 1
        else:
            self.differences[difference] += 1

    def figures(self) -> Reproduction:
        """As they are reported."""
        return Reproduction(
            decisions=self.compared,
            reproduced=self.reproduced,
            asked_otherwise=self.asked_otherwise,
            differences={difference.value: count for difference, count in self.differences.most_common()},
        )


def _difference(decision: Decision, judged: Judged, judgement: Judgement | None) -> Difference | None:
    if judgement is None:
        return Difference.OTHER_MODEL
    if decision.score is None:
        return Difference.NOT_ASKED
    verdict, node = judgement.verdict, judged.placement.node
    ratio = float(verdict.ratios[judged.feasible.index(node)])
    same_bound = _alike(decision.ratio, ratio)
    if same_bound and judgement.scores.get(node) == decision.score:
        return None
    may_be = {
        Difference.OTHER_SETTINGS: (decision.tolerance, decision.required) != (verdict.tolerance, verdict.required),
        Difference.OTHER_WORKLOAD: decision.workload != verdict.pod.key,
        Difference.PREDICTED_ONCE: (decision.ratio is None) is not math.isnan(ratio),
        Difference.OTHER_BOUND: not same_bound,
        Difference.OTHER_NODES: decision.nodes != _asked(decision, judged, judgement),
    }
    return next((difference for difference, is_so in may_be.items() if is_so), Difference.OTHER_BEST)


def _asked(decision: Decision, judged: Judged, judgement: Judgement) -> int:
    """About how many nodes the scheduler would ask last: a filter that only looks on fails none."""
    return len(judged.feasible) if decision.shadowed else len(judgement.scores)


def _alike(recorded: float | None, replayed: float) -> bool:
    if recorded is None:
        return math.isnan(replayed)
    return math.isclose(recorded, replayed, rel_tol=_ROUNDING)
