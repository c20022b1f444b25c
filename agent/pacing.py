"""When a NodeState is worth a write: on change, and else as a heartbeat."""

from enum import StrEnum
from zlib import crc32

from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Status

CONFIRMING_WINDOWS = 2
"""A regime or condition is new once it has differed from what is published for so many windows in a row."""

DEAD_BAND = 0.05
"""A feature has moved once it is off by this share of its range. Missing values come and go on an idle node, so they
wait for the heartbeat."""

JITTER = 0.1
"""Nodes beat up to this share faster than the setting, each at a pace of its own: whatever started them together, they
drift apart."""

_WIDTHS = tuple(spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features)


class Reason(StrEnum):
    """Why a state is written."""

    FIRST = "first"
    CHANGED = "changed"
    MOVED = "moved"
    HEARTBEAT = "heartbeat"


class Pacing:
    """Decides window by window, against what was last written.

    Args:
        node: the node's name, which sets its pace.
        heartbeat_seconds: the longest time between two writes, above zero.
    """

    def __init__(self, *, node: str, heartbeat_seconds: float) -> None:
        self._interval_seconds = heartbeat_seconds * (1.0 - JITTER * crc32(node.encode()) / 2**32)
        self._published: Status | None = None
        self._beats_at_seconds = 0.0
        self._unlike = 0

    def reason(self, status: Status, *, now_seconds: float) -> Reason | None:
        """Why ``status`` is to be written now; ``None`` where it isn't. Asked once a window.

        Args:
            status: the window's.
            now_seconds: of a clock that never steps.
        """
        if self._published is None:
            return Reason.FIRST
        self._unlike = self._unlike + 1 if _words(status) != _words(self._published) else 0
        if self._unlike >= CONFIRMING_WINDOWS:
            return Reason.CHANGED
        if _has_moved(self._published, status):
            return Reason.MOVED
        return Reason.HEARTBEAT if now_seconds >= self._beats_at_seconds else None

    def published(self, status: Status, *, now_seconds: float) -> None:
        """Take note of what was written; what could not be written stays due."""
        self._published = status
        self._beats_at_seconds = now_seconds + self._interval_seconds
        self._unlike = 0


def _words(status: Status) -> tuple[object, ...]:
    """All that changes by a word, not by degrees."""
    conditions = tuple((condition.type, condition.status) for condition in status.conditions)
    return status.regimes, status.bundle_digest, conditions


def _has_moved(before: Status, now: Status) -> bool:
    return any(
        value is not None and other is not None and abs(value - other) > DEAD_BAND * width
        for domain, same in zip(before.domains, now.domains, strict=True)
        for value, other, width in zip(domain.features, same.features, _WIDTHS, strict=True)
    )
