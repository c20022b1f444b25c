"""The first look through a recording: which pods were placed while somebody looked on, and when each was judged."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from eval.replay.errors import RecordingError
from eval.replay.reading import Event, Recording
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from eval.replay.world import KnownPod, World
from scheduler_extender.decisions import Decision
from scheduler_extender.pod import Pod

LATE = timedelta(seconds=30)
"""A binding that was seen later than this was made while the API server could not be followed."""
APART = timedelta(seconds=600)
"""A decision that was made longer before its pod's binding was seen, or after it, is not this placement's:
``bindTimeoutSeconds`` of kube-scheduler's VolumeBinding."""
_REMEMBERED = 65_536
"""Events that are looked through for the moment of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is asked about, both ends included; ``None`` where it has no end.

    Attributes:
        since, until: by the recorder's clock, UTC.
    """

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


ALWAYS = Period()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One pod that a scheduler chose a node for.

    Attributes:
        known: the pod as it was bound.
        at: when its binding was seen.
        judged: when it was judged, by the extender's clock where that wrote a decision, else ``at``.
        before: number of the event before which it was judged.
        decision: what the extender wrote, if it did.
    """

    known: KnownPod
    at: datetime
    judged: datetime
    before: int
    decision: Decision | None

    @property
    def uid(self) -> str:
        """Of the pod."""
        return self.known.pod.uid

    @property
    def node(self) -> str:
        """Where it went."""
        return self.known.pod.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One pod's time on its node, whoever chose that.

    Attributes:
        began: when its binding was seen; ``None`` where it was there when somebody began to look.
        ended: when it was seen to end; ``None`` where it was not.
    """

    began: datetime | None
    ended: datetime | None

    def __contains__(self, at: datetime) -> bool:
        return (self.began is None or at >= self.began) and (self.ended is None or at < self.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a recording holds.

    Attributes:
        placements: those that can be judged, in the order in which they were seen.
        lives: of all pods that were bound, by workload's key and node, and then by UID.
        began, until: of the first and the last event.
        decisions: that extenders wrote in the period.
        events: how many there are of each kind.
        there_before: pods that were bound when recording began.
    """

    placements: tuple[Placement, ...]
    lives: Mapping[tuple[str, str], Mapping[str, Life]]
    began: datetime
    until: datetime
    decisions: int
    events: Mapping[Kind, int]
    there_before: int


def survey(
    recording: Recording,
    decisions: Mapping[str, Decision],
    *,
    period: Period,
    background: Collection[str],
    troubles: Counter[Trouble],
) -> Survey:
    """Look a recording through.

    Args:
        recording: all of it is read, whatever is asked about.
        decisions: by pod's UID.
        period: placements seen outside it are left out.
        background: namespaces whose pods are no residents.
        troubles: counts what is wrong.

    Raises:
        RecordingError: it holds no event.
    """
    looker = _Looker(decisions, period=period, background=background, troubles=troubles)
    for number, event in enumerate(recording.events(troubles)):
        looker.look(number, event)
    return looker.found(recording)


class _Looker:
    def __init__(
        self,
        decisions: Mapping[str, Decision],
        *,
        period: Period,
        background: Collection[str],
        troubles: Counter[Trouble],
    ) -> None:
        self._decisions = decisions
        self._period = period
        self._background = background
        self._troubles = troubles
        self._world = World(troubles)
        self._placements: list[Placement] = []
        self._lives: dict[tuple[str, str], dict[str, Life]] = defaultdict(dict)
        self._homes: dict[str, tuple[str, str]] = {}
        self._recent: deque[datetime] = deque(maxlen=_REMEMBERED)
        self._events: Counter[Kind] = Counter()
        self._whole: set[int] = set()
        self._there_before = 0
        self._began: datetime | None = None

    def look(self, number: int, event: Event) -> None:
        self._began = self._began or event.at
        self._events[event.kind] += 1
        if event.kind is Kind.WHOLE:
            self._whole.add(event.session)
        if event.kind is not Kind.NODE_STATE:
            happened = self._world.take_over(event)
            bound = happened.bound
            if bound is not None:
                self._begins(bound.pod, event.at if happened.witnessed else None)
            for uid in happened.ended:
                self._ends(uid, event.at)
            if bound is not None and not happened.witnessed:
                self._troubles[Trouble.UNSEEN] += happened.resumed
                self._there_before += not happened.resumed
            elif bound is not None and event.at in self._period and self._is_to_be_judged(bound, event):
                self._placements.append(self._placement(bound, number, event))
        self._recent.append(event.at)

    def found(self, recording: Recording) -> Survey:
        if self._began is None:
            raise RecordingError(f"{recording.directory} is empty: the recorder saw nothing, or was killed at once")
        until = self._recent[-1]
        decided = {
            uid
            for uid, decision in self._decisions.items()
            if self._began <= decision.decided <= until and decision.decided in self._period
        }
        self._troubles[Trouble.NO_POD] += len(decided - {placement.uid for placement in self._placements})
        if decided:
            self._troubles[Trouble.NO_DECISION] += sum(placement.decision is None for placement in self._placements)
        self._troubles[Trouble.NEVER_WHOLE] += max(recording.sessions - len(self._whole), 0)
        return Survey(
            placements=tuple(self._placements),
            lives=self._lives,
            began=self._began,
            until=until,
            decisions=len(decided),
            events=self._events,
            there_before=self._there_before,
        )

    def _begins(self, pod: Pod, at: datetime | None) -> None:
        home = self._homes[pod.uid] = (pod.key, pod.node)
        self._lives[home][pod.uid] = Life(began=at, ended=None)

    def _ends(self, uid: str, at: datetime) -> None:
        home = self._homes.pop(uid, None)
        if home is not None:
            self._lives[home][uid] = replace(self._lives[home][uid], ended=at)

    def _is_to_be_judged(self, bound: KnownPod, event: Event) -> bool:
        trouble = self._why_not(bound, event.at)
        if trouble is not None:
            self._troubles[trouble] += 1
        return trouble is None

    def _why_not(self, bound: KnownPod, at: datetime) -> Trouble | None:
        pod, bound_at = bound.pod, bound.recorded.bound_at
        if not bound.recorded.chosen:
            return Trouble.NOT_CHOSEN
        if pod.namespace in self._background:
            return Trouble.BACKGROUND
        if bound_at is not None and at - bound_at > LATE:
            return Trouble.LATE
        return None if self._world.has_room_at_all(pod.node) else Trouble.UNKNOWN_NODE

    def _placement(self, bound: KnownPod, number: int, event: Event) -> Placement:
        decision = self._decisions.get(bound.pod.uid)
        if decision is None or abs(event.at - decision.decided) > APART:
            return Placement(known=bound, at=event.at, judged=event.at, before=number, decision=None)
        judged = decision.decided
        before = number - self._events_after(judged)
        return Placement(known=bound, at=event.at, judged=judged, before=before, decision=decision)

    def _events_after(self, judged: datetime) -> int:
        """How many of the latest events came after a moment without one between that did not."""
        count = 0
        for at in reversed(self._recent):
            if at <= judged:
                break
            count += 1
        return count
