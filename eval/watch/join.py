"""Predictions joined with what later happened.

An outcome is a labelled window of a victim. It belongs to the latest prediction of the same workload on the same node
and domain that was made before the window began. Two clocks are involved, the extender's and the node's, so a window
that begins before its prediction by no more than a tolerance belongs to it too, if no earlier one is there.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.trace import LabelledTrace
from eval.watch.prediction import RecordedPrediction
from eval.watch.trouble import Trouble

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What came of a join.

    Attributes:
        outcomes: each once, in the order of their windows' beginnings.
        predictions: of each outcome, or ``None``.
        counts: of what was wrong. Where nothing is recorded at all, outcomes lack no prediction.
        answered: predictions that have an outcome, by ``prediction_name``.
    """

    outcomes: tuple[LabelledTrace, ...]
    predictions: tuple[RecordedPrediction | None, ...]
    counts: Mapping[Trouble, int]
    answered: frozenset[str]


def join(
    traces: Sequence[LabelledTrace], predictions: Collection[RecordedPrediction], *, skew_seconds: float
) -> Joined:
    """Join outcomes with predictions.

    Args:
        traces: labelled windows, in any order; reported twice some may be.
        predictions: in any order, likewise.
        skew_seconds: the tolerance.
    """
    counts: Counter[Trouble] = Counter()
    outcomes = _once_each(traces, counts)
    by_place: dict[_Place, list[RecordedPrediction]] = {}
    for prediction in sorted(predictions, key=lambda one: one.at):
        by_place.setdefault((prediction.workload, prediction.node, prediction.domain), []).append(prediction)
    found = tuple(_prediction_of(outcome, by_place, skew_seconds, counts) for outcome in outcomes)
    if predictions:
        counts[Trouble.NO_PREDICTION] += sum(one is None for one in found)
    return Joined(
        outcomes=outcomes,
        predictions=found,
        counts=+counts,
        answered=frozenset(prediction_name(one) for one in found if one is not None),
    )


def once_recorded(predictions: Collection[RecordedPrediction]) -> tuple[tuple[RecordedPrediction, ...], int]:
    """Each prediction once, in their order, and how many stood there again; of different bounds the highest stays."""
    found: dict[str, RecordedPrediction] = {}
    for prediction in predictions:
        name = prediction_name(prediction)
        if name not in found or prediction.bound > found[name].bound:
            found[name] = prediction
    return tuple(found.values()), len(predictions) - len(found)


def prediction_name(prediction: RecordedPrediction) -> str:
    """What tells a prediction from all others: who, where and when."""
    where = f"{prediction.node}/{prediction.domain}"
    return f"{prediction.pod_uid} {prediction.workload} {where} {prediction.at.isoformat()}"


def window_start(trace: LabelledTrace) -> datetime:
    """UTC."""
    return _EPOCH + timedelta(microseconds=trace.window_start_ns // 1000)


def _once_each(traces: Sequence[LabelledTrace], counts: Counter[Trouble]) -> tuple[LabelledTrace, ...]:
    """Each window and victim once; of those that contradict each other nobody knows which is true."""
    reports: dict[tuple[int, str, str, str], list[LabelledTrace]] = {}
    for trace in traces:
        reports.setdefault((trace.window_start_ns, trace.node, trace.domain, trace.victim.key), []).append(trace)
    kept = []
    for _, reported in sorted(reports.items()):
        first, *others = reported
        if any((other.slowdown, other.before) != (first.slowdown, first.before) for other in others):
            counts[Trouble.CONTRADICTED] += len(reported)
            continue
        counts[Trouble.TWICE] += len(others)
        kept.append(first)
    return tuple(kept)


def _prediction_of(
    outcome: LabelledTrace,
    by_place: Mapping[_Place, Sequence[RecordedPrediction]],
    skew_seconds: float,
    counts: Counter[Trouble],
) -> RecordedPrediction | None:
    start = window_start(outcome)
    key, node = outcome.victim.key, outcome.node
    there = (*by_place.get((key, node, outcome.domain), ()), *by_place.get((key, node, ""), ()))
    before = [prediction for prediction in there if prediction.at <= start]
    if before:
        return max(before, key=lambda prediction: prediction.at)
    near = [prediction for prediction in there if prediction.at <= start + timedelta(seconds=skew_seconds)]
    if not near:
        return None
    counts[Trouble.SKEWED] += 1
    return min(near, key=lambda prediction: prediction.at)
