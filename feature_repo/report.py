"""What became of a batch of vectors, vector by vector."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from feature_repo.vector_columns import Age, Domain, VectorColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A vector that was not taken.

    Attributes:
        place: its index in the batch, from 0.
        reason: what is wrong with it and what to do.
    """

    place: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of a batch: each vector was written, repeated or refused.

    Attributes:
        written: new in history.
        repeated: known already, by node, domain and window start, or twice in this batch.
        refused: not taken, in the batch's order.
        advanced: domains whose latest vector online is a new one.
    """

    written: int
    repeated: int
    refused: tuple[Refusal, ...]
    advanced: int


class Tally:
    """What became of each of several batches."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._batch_of = [batch for batch, size in enumerate(sizes) for _ in range(size)]
        self._written = [0] * len(sizes)
        self._advanced = [0] * len(sizes)

    def batch_of(self, place: int) -> int:
        """The batch in which a vector came."""
        return self._batch_of[place]

    def note(
        self, columns: VectorColumns, *, fresh: Sequence[int], batches: Sequence[int], latest: dict[Domain, Age]
    ) -> None:
        """Count what was written and which domains went ahead, as if one batch had come after the other."""
        ages, domains, before = columns.ages(), columns.node_domains(), dict(latest)
        newest: dict[tuple[int, Domain], Age] = {}
        for place in fresh:
            self._written[batches[place]] += 1
            which = (batches[place], domains[place])
            newest[which] = max(newest.get(which, (0, 0)), ages[place])
        for (batch, domain), age in newest.items():
            if domain not in before or age > before[domain]:
                before[domain] = age
                self._advanced[batch] += 1

    def reports(self, refused: dict[int, str]) -> tuple[IngestReport, ...]:
        """One for each batch; what was neither written nor refused is a repeat."""
        firsts = list(itertools.accumulate(self._sizes, initial=0))
        by_batch: defaultdict[int, list[Refusal]] = defaultdict(list)
        for place, reason in sorted(refused.items()):
            batch = self._batch_of[place]
            by_batch[batch].append(Refusal(place=place - firsts[batch], reason=reason))
        return tuple(
            IngestReport(
                written=written,
                repeated=size - written - len(by_batch[batch]),
                refused=tuple(by_batch[batch]),
                advanced=advanced,
            )
            for batch, (size, written, advanced) in enumerate(
                zip(self._sizes, self._written, self._advanced, strict=True)
            )
        )
