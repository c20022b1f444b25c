"""The watch's state in hand: every change is on disk, with its records, before anything else happens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from eval.watch.state import Event, Kept, Record, WatchState
from eval.watch.trouble import Trouble

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record to be: what happened, for people, and for programs."""

    event: Event
    sentence: str
    figures: Mapping[str, float | str] = field(default_factory=dict)


class Ledger:
    """State and records.

    Args:
        kept: where they lie.
        state: as it was read, or as the watch begins.
        clock: UTC.
    """

    def __init__(self, kept: Kept, state: WatchState, *, clock: Callable[[], datetime]) -> None:
        self._kept, self._clock = kept, clock
        self.state = state
        self.news: list[Record] = []
        kept.append(state.outbox)

    @property
    def now(self) -> datetime:
        """UTC."""
        return self._clock()

    @property
    def now_ns(self) -> int:
        """UTC nanoseconds since 1970."""
        return nanoseconds(self.now)

    def keep(self, *told: Told, **changes: Any) -> None:
        """Change the state; records of the change are written after it, and again after a crash in between.

        Args:
            told: what happened.
            changes: attributes of ``WatchState``.
        """
        first = self.state.recorded + 1
        at = self.now
        records = tuple(
            Record(number=number, at=at, event=one.event, sentence=one.sentence, figures=dict(one.figures))
            for number, one in enumerate(told, start=first)
        )
        outgoing = {"outbox": records, "recorded": self.state.recorded + len(records)}
        state = self.state.model_copy(update={**changes, **outgoing})
        self._kept.write(state)
        self._kept.append(records)
        self.state = state
        self.news.extend(records)

    def counted(self, counts: Mapping[Trouble, int]) -> tuple[dict[str, int], tuple[Told, ...]]:
        """Counts with what was wrong now, and what is to be said: at the first, and whenever a count has doubled."""
        after, told = dict(self.state.counts), []
        for trouble, more in sorted(counts.items()):
            before = after.get(trouble.value, 0)
            after[trouble.value] = before + more
            if before.bit_length() != (before + more).bit_length():
                told.append(
                    Told(
                        event=Event.TROUBLE,
                        sentence=f"{before + more} {trouble.value}",
                        figures={"trouble": trouble.name.lower(), "count": before + more},
                    )
                )
        return after, tuple(told)

    def troubled(self, trouble: Trouble, sentence: str) -> None:
        """Count something that was wrong, and say it with its own words where it is to be said."""
        counts, told = self.counted({trouble: 1})
        own = tuple(Told(event=one.event, sentence=f"{one.sentence}: {sentence}", figures=one.figures) for one in told)
        self.keep(*own, counts=counts)


def nanoseconds(at: datetime) -> int:
    """UTC nanoseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
