"""Labelled windows of workloads in company become scores against a bundle, by which the extender moves their margins.

The traces are what is kept. Scores are derived from all of them at once, so doing it again changes nothing, and another
champion gets its own. Each is of a prediction as serving makes it before the placement: by the vector before the latest
arrival, and the profile that the trace names.

A window that the bundle was trained on says nothing of the next one. Of workload groups that it was trained without all
windows count; of the others those that began after the bundle was made.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import numpy as np

from contracts.errors import ContractError
from contracts.profile import Tier, WorkloadProfile
from contracts.trace import LabelledTrace
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle
from serving.champion import BUNDLES
from serving.interference_row import interference_row, known_workload, worst_pressures_of
from serving.observed_bound import MOST_KEPT
from serving.observed_workload import SUFFIX, ObservedWorkload, bundle_prefix, observed_directory
from serving.replacement import replace_file

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LeftOut(StrEnum):
    """Why a window is no observation."""

    TRAINED = "the model may have been trained on them"
    ALONE = "nobody ran beside the victim"
    BEYOND = "a pressure lay beyond what training saw, where the bound is the ceiling"
    TIER = "more, or less, is known of the victim since"
    OLD = f"of one workload the latest {MOST_KEPT} count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What workloads have shown against one bundle.

    Attributes:
        bundle: its digest.
        workloads: in order of their keys.
        left_out: how many windows are no observations, by reason.
    """

    bundle: str
    workloads: tuple[ObservedWorkload, ...]
    left_out: Mapping[LeftOut, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    """A window, the tier of its victim's profile, and its score, ``None`` where the victim was starved."""

    trace: LabelledTrace
    tier: Tier
    score: float | None


def observations(bundle: Bundle, dataset: TraceDataset) -> Observations:
    """Score all windows that a bundle was not trained on.

    Args:
        bundle: who predicts.
        dataset: labelled traces. A window that stands in two campaigns counts once.

    Raises:
        DataError: two rows of one window and victim differ.
        BundleError: the bundle has no interference model.
    """
    left_out: Counter[LeftOut] = Counter()
    in_question = []
    for trace in _once_each(dataset.traces):
        reason = _no_observation(bundle, trace)
        if reason is None:
            in_question.append(trace)
        else:
            left_out[reason] += 1
    scored = list(_scored(bundle, in_question, dataset.profiles_by_digest))
    left_out[LeftOut.BEYOND] += len(in_question) - len(scored)
    by_key: dict[str, list[_Scored]] = {}
    for window in scored:
        by_key.setdefault(window.trace.victim.key, []).append(window)
    return Observations(
        bundle=bundle.digest,
        workloads=tuple(_workload(bundle, key, own, left_out) for key, own in sorted(by_key.items())),
        left_out=+left_out,
    )


def known_observations(state: Path, bundle: str) -> tuple[ObservedWorkload, ...]:
    """What lies in a state directory against a bundle, in order of keys.

    Args:
        state: the state directory.
        bundle: digest.

    Raises:
        DataError: a file is torn, or of another version.
    """
    found = []
    for file in observed_directory(state).glob(f"{bundle_prefix(bundle)}*{SUFFIX}"):
        try:
            found.append(ObservedWorkload.from_json(file.read_bytes()))
        except ContractError as error:
            raise DataError(f"{file} is refused: {error}; delete it and observe again") from error
    return tuple(sorted(found, key=lambda observed: observed.key))


def forgotten(before: Iterable[ObservedWorkload], after: Observations) -> tuple[str, ...]:
    """Keys of the workloads of which fewer windows count than did before, by the same tier of profile."""
    now = {observed.key: observed for observed in after.workloads}
    return tuple(
        observed.key
        for observed in before
        if observed.key not in now
        or (now[observed.key].tier is observed.tier and len(now[observed.key].scores) < len(observed.scores))
    )


def write_observations(state: Path, observed: Observations) -> None:
    """Let an extender on a state directory find them: all that lay there against this bundle is replaced.

    Each workload's file is replaced atomically. What stands against a bundle that the state directory no longer has is
    removed.

    Raises:
        OSError: something can't be written.
    """
    directory = observed_directory(state)
    directory.mkdir(parents=True, exist_ok=True)
    for workload in observed.workloads:
        replace_file(directory / f"{workload.name}{SUFFIX}", workload.to_json(indent=2) + b"\n")
    written = {f"{workload.name}{SUFFIX}" for workload in observed.workloads}
    there = {bundle_prefix(place.name) for place in (state / BUNDLES).glob("[!.]*")} - {bundle_prefix(observed.bundle)}
    for file in directory.glob(f"[!.]*{SUFFIX}"):
        if file.name not in written and not any(file.name.startswith(prefix) for prefix in there):
            file.unlink()


def _once_each(traces: Sequence[LabelledTrace]) -> list[LabelledTrace]:
    """Each window and victim once, in the order of the windows' beginnings."""
    found: dict[tuple[int, str, str, str], LabelledTrace] = {}
    for trace in traces:
        key = trace.window_start_ns, trace.node, trace.domain, trace.victim.key
        other = found.setdefault(key, trace)
        if (other.together, other.alone, other.before) != (trace.together, trace.alone, trace.before):
            raise DataError(
                f"campaigns {other.campaign} and {trace.campaign} say different things of {trace.victim.key} on "
                f"{trace.node}/{trace.domain} in the window at {trace.window_start_ns}: observe one of them"
            )
    return [found[key] for key in sorted(found)]


def _no_observation(bundle: Bundle, trace: LabelledTrace) -> LeftOut | None:
    if not trace.co_runners:
        return LeftOut.ALONE
    is_trained_group = trace.victim.group in bundle.manifest.training_groups
    if is_trained_group and _time(trace.window_start_ns) < bundle.manifest.created:
        return LeftOut.TRAINED
    return None


def _scored(
    bundle: Bundle, traces: Sequence[LabelledTrace], profiles: Mapping[str, WorkloadProfile]
) -> Iterator[_Scored]:
    """Those within what training saw."""
    if not traces:
        return
    known = {digest: known_workload(profile) for digest, profile in profiles.items()}
    worst = worst_pressures_of([known_workload(profile) for profile in bundle.profiles])
    rows = np.stack(
        [
            interference_row(
                before=trace.before_values,
                victim=known[trace.victim.profile],
                others=[known[party.profile] for party in trace.co_runners],
                worst_pressures=worst,
            )
            for trace in traces
        ]
    )
    model = BoundModel(bundle)
    scores = np.log([trace.slowdown for trace in traces]) - model.log_quantile(rows)
    for trace, score, beyond in zip(traces, scores.tolist(), model.beyond_training(rows).tolist(), strict=True):
        if not beyond:
            tier = known[trace.victim.profile].tier
            yield _Scored(trace=trace, tier=tier, score=None if trace.censored else score)


def _workload(bundle: Bundle, key: str, own: Sequence[_Scored], left_out: Counter[LeftOut]) -> ObservedWorkload:
    """The latest window says as what the victim is known; all must be of the same kind."""
    of_tier = [window for window in own if window.tier is own[-1].tier]
    latest = of_tier[-MOST_KEPT:]
    left_out[LeftOut.TIER] += len(own) - len(of_tier)
    left_out[LeftOut.OLD] += len(of_tier) - len(latest)
    return ObservedWorkload(
        bundle=bundle.digest,
        key=key,
        tier=own[-1].tier,
        scores=tuple(window.score for window in latest),
        first_window=_time(latest[0].trace.window_start_ns),
        last_window=_time(latest[-1].trace.window_start_ns),
    )


def _time(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
