"""What may be wrong with what was recorded. Each is counted and named, and the report goes on."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    """Names under which it is counted, beside those of ``eval.watch.trouble.Trouble``."""

    TORN = "lines that are no JSON, left out"
    OTHER_VERSION = "decisions of another version, left out"
    BROKEN = "decisions that break their form, left out"
    AGAIN = "decisions that stand there again, counted once"
    TWICE = "pods judged more than once, the last judgement counts"
    AHEAD = "decisions from the future, left out"
    NO_OUTCOME = "placements with no known outcome"
    NO_DECISION = "outcomes with no decision before them"
    VANISHED = "champions whose bundle is not in the state directory"
    NO_BOUNDS = "champions whose bundle can't be read, or bounds nothing"


@dataclass(slots=True)
class Troubles:
    """What was wrong so far.

    Attributes:
        counts: by name.
        first: the first of each, where there is a place or a reason to name.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, count: int = 1, *, said: str = "") -> None:
        """Count some more; nothing where there are none."""
        if count < 1:
            return
        self.counts[name] += count
        if said:
            self.first.setdefault(name, said)
