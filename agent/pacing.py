"""When a NodeState is worth a write: soon after a change, else at the node's own beat."""

import math
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Status

CONFIRMING_WINDOWS = 2
"""Something is new once it has differed from what is written for so many windows in a row."""

DEAD_BAND = 0.05
"""A feature has moved once it is off by more than this share of its range, to the same side in two windows in a row.
Missing values come and go on an idle node, so they wait for the beat."""

CHANGED_SPACING_SECONDS = 10.0
"""A change is written no sooner after another write, however short the windows are."""

MOVED_SPACING_SECONDS = 30.0
"""The same for features that moved, which a busy node's always do."""

SPREAD_SECONDS = 10.0
"""What does not place pods at once is written up to so much later, by a time of the node's own: a load or a fault that
comes to a whole fleet is not told by all of it in the same second."""

_WIDTHS = tuple(spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features)


class Reason(StrEnum):
    """Why a state is written."""

    FIRST = "first"
    CHANGED = "changed"
    MOVED = "moved"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a state is to be written, and why.

    Attributes:
        reason: the most pressing one.
        at_seconds: on the clock that was handed in; past or present where it is due now.
    """

    reason: Reason
    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    domain: str
    feature: int
    is_up: bool


@dataclass(slots=True, kw_only=True)
class _News:
    """Something that differs from what is written, once that is confirmed."""

    reason: Reason
    spacing_seconds: float
    delay_seconds: float = 0.0
    windows: int = 0
    confirmed_at_seconds: float = 0.0

    def note(self, differs: bool, *, now_seconds: float) -> None:
        self.windows = self.windows + 1 if differs else 0
        if self.windows == CONFIRMING_WINDOWS:
            self.confirmed_at_seconds = now_seconds

    def due(self, *, written_at_seconds: float) -> Due | None:
        if self.windows < CONFIRMING_WINDOWS:
            return None
        spaced = max(self.confirmed_at_seconds, written_at_seconds + self.spacing_seconds)
        return Due(reason=self.reason, at_seconds=spaced + self.delay_seconds)


class Pacing:
    """Decides window by window, against what was last written.

    Beats lie on a grid of the node's own: it begins within one interval of the first write, at a time that the node's
    name is hashed to, and nothing moves it, neither other writes nor failures. So no event that a whole fleet shares,
    be it a start, a load or an outage, makes its nodes beat together. At a beat the newest window is written; where
    none has ended since the last write, the beat is left out.

    What places pods is written as soon as it is confirmed: domains, regimes, exclusive CPUs, pods with CPUs of their
    own. Conditions and moved features are let spread. Coverage and model wait for the beat: a model that is promoted
    comes to a whole fleet.

    Args:
        node: the node's name.
        heartbeat_seconds: between two beats, above zero.
    """

    def __init__(self, *, node: str, heartbeat_seconds: float) -> None:
        digest = sha256(node.encode()).digest()
        beat, spread = (int.from_bytes(part, "big") / 2**32 for part in (digest[:4], digest[4:8]))
        delay = SPREAD_SECONDS * spread
        self._interval_seconds = heartbeat_seconds
        self._first_beat_after_seconds = heartbeat_seconds * beat
        self._first_beat_at_seconds = 0.0
        self._written: Status | None = None
        self._written_at_seconds = 0.0
        self._placing = _News(reason=Reason.CHANGED, spacing_seconds=CHANGED_SPACING_SECONDS)
        self._conditions = _News(reason=Reason.CHANGED, spacing_seconds=CHANGED_SPACING_SECONDS, delay_seconds=delay)
        self._features = _News(reason=Reason.MOVED, spacing_seconds=MOVED_SPACING_SECONDS, delay_seconds=delay)
        self._moves: frozenset[_Move] = frozenset()

    def due(self, status: Status, *, now_seconds: float) -> Due:
        """When ``status`` is to be written, unless a newer one comes before. Asked once a window.

        Args:
            status: the window's.
            now_seconds: of a clock that never steps.
        """
        if self._written is None:
            return Due(reason=Reason.FIRST, at_seconds=now_seconds)
        self._compare(self._written, status, now_seconds=now_seconds)
        found = [Due(reason=Reason.HEARTBEAT, at_seconds=self._next_beat(now_seconds))]
        for news in (self._placing, self._conditions, self._features):
            due = news.due(written_at_seconds=self._written_at_seconds)
            if due is not None:
                found.append(due)
        return min(found, key=lambda due: due.at_seconds)

    def written(self, status: Status, *, now_seconds: float) -> None:
        """Take note of what was written; what could not be written stays due."""
        if self._written is None:
            self._first_beat_at_seconds = now_seconds + self._first_beat_after_seconds
        self._written, self._written_at_seconds = status, now_seconds
        for news in (self._placing, self._conditions, self._features):
            news.note(False, now_seconds=now_seconds)

    def _compare(self, written: Status, status: Status, *, now_seconds: float) -> None:
        self._placing.note(_placing(status) != _placing(written), now_seconds=now_seconds)
        self._conditions.note(_conditions(status) != _conditions(written), now_seconds=now_seconds)
        moves = _moves(written, status)
        if not moves & self._moves:  # others than before, or none: a row begins anew
            self._features.note(False, now_seconds=now_seconds)
        self._features.note(bool(moves), now_seconds=now_seconds)
        self._moves = moves

    def _next_beat(self, now_seconds: float) -> float:
        beats = math.ceil((now_seconds - self._first_beat_at_seconds) / self._interval_seconds)
        return self._first_beat_at_seconds + max(beats, 0) * self._interval_seconds


def _placing(status: Status) -> tuple[object, ...]:
    """What placement goes by, as far as it changes by a word and not by degrees."""
    return tuple((domain.name, domain.regime, domain.free_exclusive_cpus, domain.pods) for domain in status.domains)


def _conditions(status: Status) -> tuple[object, ...]:
    return tuple((condition.type, condition.status, condition.reason) for condition in status.conditions)


def _moves(before: Status, now: Status) -> frozenset[_Move]:
    earlier = {domain.name: domain.features for domain in before.domains}
    return frozenset(
        _Move(domain=domain.name, feature=index, is_up=value > other)
        for domain in now.domains
        for index, (value, other) in enumerate(zip(domain.features, earlier.get(domain.name, ()), strict=False))
        if value is not None and other is not None and abs(value - other) > DEAD_BAND * _WIDTHS[index]
    )
