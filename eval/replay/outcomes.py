"""What became of recorded placements: measured slowdowns of the same workload on the same node from then on.

Labels name a workload, not a pod, so they are joined as the drift watch joins them: an outcome belongs to the latest
placement of that workload on that node before its window. Where several of its pods were there, nobody knows whose it
is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from contracts.trace import LabelledTrace
from eval.figure import Figure
from eval.intervals import exact_share
from eval.replay.placements import Placement, Survey
from eval.replay.report import Outcomes
from eval.watch.join import join, window_start
from eval.watch.prediction import RecordedPrediction
from pipelines.bootstrap import Interval, Resampling, over_groups

if TYPE_CHECKING:
    from eval.watch.evidence import Evidence

SKEW_SECONDS = 30.0
"""How far the clocks of a node and of the extender may lie apart, as the drift watch has it."""
_RESAMPLES = 1000
_SEED = 0
_SKEW = timedelta(seconds=SKEW_SECONDS)
_SEVERAL = "outcomes of a workload with several pods on the node, left out"
_ENDED = "outcomes from after the pod's end, left out"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOutcomes:
    """What is known.

    Attributes:
        exceeded: by pod's UID, whether its median slowdown was above what it tolerates.
        workloads: by pod's UID, the profile's key.
        troubles: what was wrong with outcomes, by name.
    """

    exceeded: Mapping[str, bool]
    workloads: Mapping[str, str]
    troubles: Mapping[str, int]


NOTHING_KNOWN = KnownOutcomes(exceeded={}, workloads={}, troubles={})


def known_outcomes(found: Survey, tolerances: Mapping[str, float], evidence: "Evidence") -> KnownOutcomes:
    """Join placements with labels.

    Args:
        found: one placement at least.
        tolerances: of the placements, by pod's UID.
        evidence: where labels are.

    Raises:
        ContractError: history holds a row that breaks the contract.
        FeatureRepositoryError: the store can't be reached.
    """
    began = min(placement.judged for placement in found.placements)
    labels = evidence.labels(_nanoseconds(began), _nanoseconds(found.until))
    predictions = [_prediction(placement, tolerances[placement.uid]) for placement in found.placements]
    joined = join(labels, predictions, skew_seconds=SKEW_SECONDS)
    counts = Counter({trouble.value: count for trouble, count in joined.counts.items()})
    slowdowns: dict[str, list[float]] = defaultdict(list)
    for outcome, prediction in zip(joined.outcomes, joined.predictions, strict=True):
        if prediction is None:
            continue
        there = _who_was_there(outcome, found)
        if there == {prediction.pod_uid}:
            slowdowns[prediction.pod_uid].append(outcome.slowdown)
        else:
            counts[_SEVERAL if there else _ENDED] += 1
    return KnownOutcomes(
        exceeded={uid: median(seen) > tolerances[uid] for uid, seen in slowdowns.items()},
        workloads={placement.uid: placement.known.pod.key for placement in found.placements},
        troubles=counts,
    )


def outcomes_of(uids: Collection[str], known: KnownOutcomes, *, confidence: float) -> Outcomes:
    """Of some placements."""
    seen = [uid for uid in uids if uid in known.exceeded]
    figure = None
    if seen:
        figure = Figure.of(_share(seen, known, confidence), units=len(seen))
    return Outcomes(exceeded=figure, without=len(uids) - len(seen))


def _share(seen: Sequence[str], known: KnownOutcomes, confidence: float) -> Interval:
    """With the wider of two intervals: the exact one, as if pods were independent, and the bootstrap over workloads,
    since those of one workload are alike; resampling says nothing where all suffered or none.
    """
    wrong, pods = Counter[str](), Counter[str]()
    for uid in seen:
        wrong[known.workloads[uid]] += known.exceeded[uid]
        pods[known.workloads[uid]] += 1
    wrongs, sizes = (np.array([counts[key] for key in sorted(pods)]) for counts in (wrong, pods))
    exact = exact_share(int(wrongs.sum()), len(seen), confidence=confidence)
    how = Resampling(resamples=_RESAMPLES, confidence=confidence, seed=_SEED)
    resampled = over_groups(lambda drawn: float(wrongs[drawn].sum() / sizes[drawn].sum()), len(pods), how)
    return Interval(value=exact.value, lower=min(exact.lower, resampled.lower), upper=max(exact.upper, resampled.upper))


def _prediction(placement: Placement, tolerance: float) -> RecordedPrediction:
    pod = placement.known.pod
    return RecordedPrediction(
        at=placement.judged,
        pod_uid=pod.uid,
        workload=pod.key,
        node=pod.node,
        champion="" if placement.decision is None else placement.decision.champion,
        bound=tolerance,
        tolerance=tolerance,
    )


def _who_was_there(outcome: LabelledTrace, found: Survey) -> set[str]:
    """Pods of the workload on the node when the window began, or within the clocks' tolerance after it."""
    start = window_start(outcome)
    lives = found.lives.get((outcome.victim.key, outcome.node), {})
    return {uid for uid, life in lives.items() if start in life or start + _SKEW in life}


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
