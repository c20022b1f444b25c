"""Periods are closed one by one, in order: each goes into the tests and the guard once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.watch.bounds import Judge
from eval.watch.detect import reference_is_due, reference_span_ns, with_period, with_reference
from eval.watch.evidence import Evidence
from eval.watch.guard import with_guarded_period
from eval.watch.join import once_recorded, prediction_name
from eval.watch.ledger import Ledger, Told, nanoseconds
from eval.watch.models import Models
from eval.watch.period import Period, period_of
from eval.watch.prediction import Predictions, RecordedPrediction, Recordings
from eval.watch.settings import WatchSettings
from eval.watch.state import Detection, Event, Guard, Phase
from eval.watch.strangeness import Reference, reference_of
from eval.watch.trouble import Trouble

AT_ONCE = 24
"""Periods whose labels are read together."""

_FAR_NS = 2**62
"""The year 2116: no clock is wrong by more."""


class Periods:
    """Closes periods.

    Args:
        evidence: what happened.
        predictions: what was predicted.
        models: bundles.
        settings: of the watch.
    """

    def __init__(self, evidence: Evidence, predictions: Predictions, models: Models, settings: WatchSettings) -> None:
        self._evidence, self._predictions, self._models, self._settings = evidence, predictions, models, settings
        self._period_ns = round(settings.period_seconds * 1e9)
        self._judges: dict[str, Judge] = {}

    def close(self, ledger: Ledger) -> None:
        """Close all that are over and settled.

        Raises:
            ContractError, FeatureRepositoryError, BundleError, OSError: something can't be read; all that was closed
                before is closed.
        """
        last_ns = ledger.now_ns - round(self._settings.settling_seconds * 1e9)
        if ledger.state.closed_ns + self._period_ns > last_ns or ledger.state.champion is None:
            return
        champion = self._judge(ledger, ledger.state.champion.digest)
        if champion is None:
            return
        recordings = self._predictions.recorded()
        predictions = recordings.predictions
        self._count_what_waits(ledger, recordings)
        while ledger.state.closed_ns + self._period_ns <= last_ns:
            self._close_some(ledger, champion, predictions, last_ns=last_ns)
            guard = ledger.state.guard
            if guard is not None and guard.reason:
                return

    def _close_some(
        self, ledger: Ledger, champion: Judge, predictions: Sequence[RecordedPrediction], *, last_ns: int
    ) -> None:
        begin = ledger.state.closed_ns
        count = min(AT_ONCE, (last_ns - begin) // self._period_ns)
        traces = self._evidence.labels(begin + 1, begin + count * self._period_ns)
        profiles = self._profiles(traces, champion)
        by_period: dict[int, list[LabelledTrace]] = {}
        for trace in traces:
            end = trace.window_start_ns + trace.window_length_ns
            by_period.setdefault((end - begin - 1) // self._period_ns, []).append(trace)
        for number in range(count):
            self._close_one(ledger, champion, by_period.get(number, []), profiles, predictions)
            guard = ledger.state.guard
            if guard is not None and guard.reason:
                return

    def _close_one(
        self,
        ledger: Ledger,
        champion: Judge,
        traces: Sequence[LabelledTrace],
        profiles: Mapping[str, WorkloadProfile],
        predictions: Sequence[RecordedPrediction],
    ) -> None:
        state, settings = ledger.state, self._settings
        end = state.closed_ns + self._period_ns
        unique = once_recorded(predictions)[0]
        former = self._former(ledger, state.guard)
        period = period_of(
            traces, unique, profiles, champion=champion, former=former, skew_seconds=settings.skew_seconds
        )
        counts = Counter(period.counts)
        answered = self._answered(state.answered, period, predictions, unique, end=end, counts=counts)
        stated = champion.stated_rate
        changes: dict[str, Any] = {
            "closed_ns": end,
            "answered": answered,
            "recent_rows": state.recent_rows + len(traces),
        }
        told: list[Told] = []
        if state.phase is Phase.WATCHING:
            changes["detection"] = self._detected(state.detection, period, stated=stated, end=end)
        guard = ledger.state.guard
        if guard is not None and former is not None:
            guarded = with_guarded_period(guard, period, settings, stated=stated)
            over = guarded.left <= 0 and not guarded.reason
            changes["guard"] = None if over else guarded
            if over:
                told.append(_guarded(guarded))
        counted, troubles = ledger.counted(+counts)
        ledger.keep(*told, *troubles, counts=counted, **changes)

    def _detected(self, detection: Detection, period: Period, *, stated: float, end: int) -> Detection:
        if reference_is_due(detection, self._settings, closed_ns=end):
            reference = self._reference(detection.began_ns)
            if reference is not None:
                detection = with_reference(detection, reference)
        return with_period(detection, period, self._settings, stated=stated, end_ns=end)

    def _reference(self, began_ns: int) -> Reference | None:
        """``None`` where no window was labelled in all that time: a later one will be looked at."""
        traces = self._evidence.labels(began_ns + 1, began_ns + reference_span_ns(self._settings))
        windows = {(trace.node, trace.domain, trace.window_start_ns): trace for trace in traces}
        if not windows:
            return None
        return reference_of(np.stack([window.during_values for window in windows.values()]))

    def _answered(
        self,
        before: Mapping[str, int],
        period: Period,
        predictions: Sequence[RecordedPrediction],
        unique: Sequence[RecordedPrediction],
        *,
        end: int,
        counts: Counter[Trouble],
    ) -> dict[str, int]:
        """Predictions with an outcome whose patience is not over; counts those whose is over, and have none."""
        patience = round(self._settings.patience_seconds * 1e9)
        begin = end - self._period_ns
        made = {prediction_name(one): at for one in unique if (at := nanoseconds(one.at)) + patience > begin}
        answered = {**before, **{name: made[name] for name in period.answered & made.keys()}}
        counts[Trouble.NO_OUTCOME] += sum(
            begin < at + patience <= end and name not in answered for name, at in made.items()
        )
        now_made = [one for one in predictions if begin < nanoseconds(one.at) <= end]
        counts[Trouble.PREDICTED_TWICE] += len(now_made) - len({prediction_name(one) for one in now_made})
        return {name: at for name, at in answered.items() if at + patience > end}

    def _count_what_waits(self, ledger: Ledger, recordings: Recordings) -> None:
        """Labels that came too late, and those of a time that has not come yet; predictions that can't be read."""
        state = ledger.state
        counts: Counter[Trouble] = Counter()
        if state.recent_from_ns:
            there = len(self._evidence.labels(state.recent_from_ns + 1, state.closed_ns))
            counts[Trouble.LATE] = max(0, there - state.recent_rows)
        skew = round(self._settings.skew_seconds * 1e9)
        ahead = len(self._evidence.labels(ledger.now_ns + skew + 1, _FAR_NS))
        counts[Trouble.AHEAD] = max(0, ahead - state.ahead)
        counts[Trouble.TORN] = max(0, recordings.unreadable - state.torn)
        recent = max(state.began_ns, state.closed_ns - round(self._settings.late_seconds * 1e9))
        counted, told = ledger.counted(+counts)
        ledger.keep(
            *told,
            counts=counted,
            ahead=ahead,
            torn=recordings.unreadable,
            recent_from_ns=recent,
            recent_rows=len(self._evidence.labels(recent + 1, state.closed_ns)) if recent < state.closed_ns else 0,
        )

    def _profiles(self, traces: Sequence[LabelledTrace], champion: Judge) -> dict[str, WorkloadProfile]:
        """The bundle's own, and of those that it lacks what the store knows."""
        known = {profile.digest: profile for profile in champion.bundle.profiles}
        lacking = [
            trace for trace in traces if any(party.profile not in known for party in (trace.victim, *trace.co_runners))
        ]
        return {**known, **(self._evidence.profiles(lacking) if lacking else {})}

    def _former(self, ledger: Ledger, guard: Guard | None) -> Judge | None:
        """The former champion, to compare with; where it vanished, the guard ends."""
        if guard is None:
            return None
        former = self._judge(ledger, guard.former.digest)
        if former is None:
            sentence = f"version {guard.former.version} is nowhere any more: there is nothing to compare with"
            ledger.keep(Told(event=Event.GUARDED, sentence=sentence), guard=None)
        return former

    def _judge(self, ledger: Ledger, digest: str) -> Judge | None:
        if digest not in self._judges:
            found = self._models.bundle(digest)
            if found is None:
                ledger.troubled(Trouble.VANISHED, f"bundle {digest} is neither in the state nor in the registry")
                return None
            self._judges = {**dict(list(self._judges.items())[-1:]), digest: Judge(found)}
        return self._judges[digest]


def _guarded(guard: Guard) -> Told:
    if not len(guard.failed):
        return Told(
            event=Event.GUARDED, sentence=f"version {guard.champion.version} stays: nothing happened to judge by"
        )
    return Told(
        event=Event.GUARDED,
        sentence=(
            f"version {guard.champion.version} stays: its bounds held in {1.0 - guard.failed.mean:.1%} of windows, "
            f"those of {guard.former.version} would have in {1.0 - guard.failed_former.mean:.1%}"
        ),
        figures={"failed": guard.failed.mean, "failed_former": guard.failed_former.mean},
    )
