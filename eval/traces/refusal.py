"""Rows that are refused: which, why, and what to do about it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import IO


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused row.

    Attributes:
        file: its name, without directories.
        row: of a table the line, from 1; of a Parquet file the row, from 0; of a file of JSON lines the line, from 1.
        kind: a few words, the same for all rows of one complaint.
        reason: what is wrong with this row, in a sentence.
        advice: what to do.
    """

    file: str
    row: int
    kind: str
    reason: str
    advice: str


@dataclass(slots=True, kw_only=True)
class Refusals:
    """Takes refusals as they come: all of them into a file, if there is one; counts and the first few in memory.

    Attributes:
        sink: a text file that takes one JSON object a line.
        kept: how many are kept to be shown.
        shown: the first ``kept``.
        counts: refusals a kind.
    """

    sink: IO[str] | None = None
    kept: int = 20
    shown: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def refuse(self, refusal: Refusal, *, rows: int = 1) -> None:
        """Take one, which may stand for several rows."""
        self.counts[refusal.kind] += rows
        if len(self.shown) < self.kept:
            self.shown.append(refusal)
        if self.sink is not None:
            self.sink.write(json.dumps(asdict(refusal), ensure_ascii=False) + "\n")

    @property
    def total(self) -> int:
        """How many."""
        return self.counts.total()


def listed(names: Sequence[str], *, most: int = 8) -> str:
    """Names for a sentence, no more than some.

    >>> listed(["b", "a", "c"], most=2)
    'b, a and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
