"""What is known of how placements went: labelled windows, joined with the bounds that were recorded.

A label names a workload, a node and a domain, and no pod. So it belongs to the latest placement on that node that
bounded that workload there; of several pods of one workload in a domain nobody can say whose window it was, and the
least tolerance among them counts. It tells of the time until the next placement there, whoever left meanwhile.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.slowdown import SLOWDOWN_CEILING
from contracts.trace import LabelledTrace
from eval.shadow.placement import PlacedParty, Placement
from eval.shadow.trouble import Trouble, Troubles
from eval.watch.evidence import Evidence
from eval.watch.join import join, window_start
from eval.watch.prediction import RecordedPrediction
from eval.watch.settings import WatchSettings
from eval.watch.trouble import Trouble as Joining

_SHORTEST, _FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
"""Labels of so long a time are asked for together,"""
_AT_ONCE = 5_000
"""of a shorter one where there were more than so many, of a longer one else: each asking takes a tenth of a second."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTINGS = WatchSettings()
SKEW = timedelta(seconds=_SETTINGS.skew_seconds)
"""So far clocks of nodes and extender may lie apart."""
_PATIENCE = timedelta(seconds=_SETTINGS.patience_seconds)
"""Labels are looked for so long after the last placement."""


_Place = tuple[str, str, str]
"""Workload, node, domain."""


@dataclass(slots=True)
class Windows:
    """Labelled windows of one thing, and how many of them went wrong."""

    all: int = 0
    wrong: int = 0

    def add(self, *, wrong: bool) -> None:
        """One more."""
        self.all += 1
        self.wrong += wrong

    @property
    def share(self) -> float:
        """Of all, one at least, those that went wrong."""
        return self.wrong / self.all


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """Who is steered or not: all pods of one workload in one namespace."""

    namespace: str
    workload: str


def _windows() -> defaultdict[Replicas, Windows]:
    return defaultdict(Windows)


@dataclass(slots=True, kw_only=True)
class Outcomes:
    """What is known.

    Attributes:
        exceeded: by the pod's UID, of placements with an outcome: whether a party was beyond its tolerance in more than
            half of its windows.
        by_replicas: windows of each workload's pods; wrong is beyond tolerance.
        by_champion: the same by bundle and workload group; wrong is beyond the bound.
        windows, at_ceiling: windows that were joined, and those whose bound is the ceiling, which promises nothing.
        simulated: a window was measured on the testbed.
    """

    exceeded: dict[str, bool] = field(default_factory=dict)
    by_replicas: defaultdict[Replicas, Windows] = field(default_factory=_windows)
    by_champion: dict[str, defaultdict[str, Windows]] = field(default_factory=dict)
    windows: int = 0
    at_ceiling: int = 0
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounded:
    """Whose bound a prediction is."""

    placement: Placement
    party: PlacedParty


def outcomes_of(
    placements: Sequence[Placement], chosen: Collection[str], evidence: Evidence, *, until: datetime, troubles: Troubles
) -> Outcomes:
    """Join what happened with what was bounded.

    Args:
        placements: all that are known, in order: a window may belong to one that is not reported on.
        chosen: UIDs of the pods whose placements are reported on.
        evidence: labels.
        until: the latest end of a window; UTC.
        troubles: told of whatever can't be joined.

    Raises:
        ContractError: a label breaks the contract.
        StoreUnreachableError: labels can't be reached.
    """
    bounded = {prediction: whose for placement in placements for prediction, whose in _predictions(placement)}
    by_place: defaultdict[_Place, list[RecordedPrediction]] = defaultdict(list)
    for prediction in bounded:
        by_place[prediction.workload, prediction.node, prediction.domain].append(prediction)
    found = Outcomes()
    within: dict[str, defaultdict[tuple[str, str], Windows]] = {}
    decided = [placement.decided for placement in placements if placement.uid in chosen]
    for traces in _labels(evidence, decided, until):
        for trace, whose, prediction in _joined(traces, by_place, bounded, troubles):
            if whose.placement.uid in chosen:
                _count(found, within, trace, whose, prediction.bound)
    found.exceeded = {
        uid: any(2 * windows.wrong > windows.all for windows in parties.values()) for uid, parties in within.items()
    }
    return found


def _predictions(placement: Placement) -> Iterator[tuple[RecordedPrediction, _Bounded]]:
    """One of each workload in each domain: the least tolerance, the highest bound."""
    alike: defaultdict[tuple[str, str], list[PlacedParty]] = defaultdict(list)
    for party in placement.parties or ():
        alike[party.workload, party.domain].append(party)
    for (workload, domain), parties in alike.items():
        strictest = min(parties, key=lambda party: party.tolerance)
        prediction = RecordedPrediction(
            at=placement.decided,
            pod_uid=strictest.uid,
            workload=workload,
            node=placement.node,
            domain=domain,
            champion=placement.champion,
            bound=max(party.bound for party in parties),
            tolerance=strictest.tolerance,
        )
        yield prediction, _Bounded(placement=placement, party=strictest)


def _joined(
    traces: Sequence[LabelledTrace],
    by_place: Mapping[_Place, Sequence[RecordedPrediction]],
    bounded: Mapping[RecordedPrediction, _Bounded],
    troubles: Troubles,
) -> Iterator[tuple[LabelledTrace, _Bounded, RecordedPrediction]]:
    places = {(trace.victim.key, trace.node, trace.domain) for trace in traces}
    starts = [window_start(trace) for trace in traces]
    predictions = [
        prediction for place in places for prediction in _between(by_place.get(place, ()), min(starts), max(starts))
    ]
    joined = join(traces, predictions, skew_seconds=SKEW.total_seconds())
    for trouble in (Joining.TWICE, Joining.CONTRADICTED, Joining.SKEWED):
        troubles.add(trouble, joined.counts.get(trouble, 0))
    for trace, prediction in zip(joined.outcomes, joined.predictions, strict=True):
        if prediction is None:
            troubles.add(Trouble.NO_DECISION, said=f"{trace.victim.key} on {trace.node}/{trace.domain}")
        else:
            yield trace, bounded[prediction], prediction


def _between(
    predictions: Sequence[RecordedPrediction], first: datetime, last: datetime
) -> Sequence[RecordedPrediction]:
    """Of one place those that a window may belong to that begins in between: the latest before, and all after it."""
    begin = bisect_right(predictions, first, key=_made)
    return predictions[max(begin - 1, 0) : bisect_right(predictions, last + SKEW, key=_made)]


def _made(prediction: RecordedPrediction) -> datetime:
    return prediction.at


def _count(
    found: Outcomes,
    within: dict[str, defaultdict[tuple[str, str], Windows]],
    trace: LabelledTrace,
    whose: _Bounded,
    bound: float,
) -> None:
    placement, party = whose.placement, whose.party
    is_beyond = trace.slowdown > party.tolerance
    parties = within.setdefault(placement.uid, defaultdict(Windows))
    parties[party.workload, party.domain].add(wrong=is_beyond)
    found.by_replicas[Replicas(namespace=party.namespace, workload=party.workload)].add(wrong=is_beyond)
    groups = found.by_champion.setdefault(placement.champion, defaultdict(Windows))
    groups[trace.victim.group].add(wrong=trace.slowdown > bound)
    found.windows += 1
    found.at_ceiling += bound >= SLOWDOWN_CEILING
    found.simulated |= trace.simulated


def _labels(evidence: Evidence, decided: Sequence[datetime], until: datetime) -> Iterator[Sequence[LabelledTrace]]:
    """From before the first placement, since clocks may differ, to some time after the last; some at a time."""
    if not decided:
        return
    begin, last, span = decided[0] - SKEW, min(decided[-1] + _PATIENCE, until), _FIRST
    while begin < last:
        end = min(begin + span, last)
        found = evidence.labels(_nanoseconds(begin) + 1, _nanoseconds(end))
        yield found
        begin, span = end, max(span / 2, _SHORTEST) if len(found) > _AT_ONCE else min(2 * span, _LONGEST)


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
