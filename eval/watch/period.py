"""What one period showed: failed bounds by workload group, contradicted regimes by node, vectors, and what was odd."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FloatArray
from eval.watch.bounds import Judge
from eval.watch.join import join, window_start
from eval.watch.paired import PairedOutcome
from eval.watch.prediction import RecordedPrediction
from eval.watch.trouble import Trouble
from pipelines.folds import STRESSOR_GROUP
from serving.bundle_directory import Bundle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Period:
    """What one period showed.

    Attributes:
        failed: of each outcome that counts its workload group, and whether the bound failed.
        wrong: of each window whose regime is known its node, and whether it was judged otherwise.
        nodes: of each window.
        vectors: float32 ``(windows, len(schema))``.
        paired: outcomes under the former champion's bound too; empty where there is none to compare with.
        counts: of what was wrong.
        answered: predictions that have an outcome.
    """

    failed: tuple[tuple[str, bool], ...]
    wrong: tuple[tuple[str, bool], ...]
    nodes: tuple[str, ...]
    vectors: FloatArray
    paired: tuple[PairedOutcome, ...]
    counts: Mapping[Trouble, int]
    answered: frozenset[str]


def period_of(
    traces: Sequence[LabelledTrace],
    predictions: Collection[RecordedPrediction],
    profiles: Mapping[str, WorkloadProfile],
    *,
    champion: Judge,
    former: Judge | None,
    skew_seconds: float,
) -> Period:
    """Look at the labelled windows of a period.

    An outcome is held against the bound that was recorded for it by this champion; where none was, against what the
    champion says of the same inputs now.

    Args:
        traces: labels whose windows ended in the period.
        predictions: that may be of them.
        profiles: by digest; those that are missing are counted.
        champion: who is watched.
        former: who is compared with it, if anybody.
        skew_seconds: how far clocks may lie apart.

    Raises:
        BundleError: a bundle has no model to ask.
    """
    joined = join(traces, predictions, skew_seconds=skew_seconds)
    counts = Counter(joined.counts)
    windows = _windows(joined.outcomes)
    vectors = np.stack([window.during_values for window in windows]) if windows else np.zeros((0, 0), np.float32)
    chosen = []
    for place, outcome in enumerate(joined.outcomes):
        reason = _left_out(outcome, champion.bundle, profiles)
        if reason is None:
            chosen.append(place)
        else:
            counts[reason] += 1
    outcomes = [joined.outcomes[place] for place in chosen]
    failed: list[tuple[str, bool]] = []
    paired: list[PairedOutcome] = []
    if outcomes:
        said = champion.bounds(outcomes, profiles)
        uppers = said.upper.copy()
        for index, place in enumerate(chosen):
            prediction = joined.predictions[place]
            if prediction is not None and prediction.champion == champion.bundle.digest:
                uppers[index] = prediction.bound
            elif prediction is not None:
                counts[Trouble.OTHER_CHAMPION] += 1
        slowdowns = np.array([outcome.slowdown for outcome in outcomes])
        fails = (slowdowns > uppers) & ~said.beyond_training
        counts[Trouble.BEYOND] += int(said.beyond_training.sum())
        failed = [
            (outcome.victim.group, bool(fail))
            for outcome, fail, beyond in zip(outcomes, fails, said.beyond_training, strict=True)
            if not beyond
        ]
        if former is not None:
            others = former.bounds(outcomes, profiles)
            paired = [
                PairedOutcome(group=outcome.victim.group, new_failed=bool(new), former_failed=bool(old))
                for outcome, new, old in zip(outcomes, slowdowns > said.upper, slowdowns > others.upper, strict=True)
            ]
    wrongs = champion.contradicted(windows, vectors) if windows else np.zeros(0)
    return Period(
        failed=tuple(failed),
        wrong=tuple(
            (window.node, bool(wrong)) for window, wrong in zip(windows, wrongs, strict=True) if not np.isnan(wrong)
        ),
        nodes=tuple(window.node for window in windows),
        vectors=vectors,
        paired=tuple(paired),
        counts=+counts,
        answered=joined.answered,
    )


def _windows(outcomes: Sequence[LabelledTrace]) -> list[LabelledTrace]:
    """One row of each window."""
    return list({(trace.node, trace.domain, trace.window_start_ns): trace for trace in outcomes}.values())


def _left_out(outcome: LabelledTrace, champion: Bundle, profiles: Mapping[str, WorkloadProfile]) -> Trouble | None:
    if any(party.profile not in profiles for party in (outcome.victim, *outcome.co_runners)):
        return Trouble.NO_PROFILE
    if not outcome.co_runners or outcome.victim.group == STRESSOR_GROUP:
        return Trouble.ALONE
    is_trained_group = outcome.victim.group in champion.manifest.training_groups
    if is_trained_group and window_start(outcome) < champion.manifest.created:
        return Trouble.TRAINED
    return None
