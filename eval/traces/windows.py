"""From samples to windows: whole ones only, of samples that follow one another in one phase."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eval.traces.cells import CellError
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.quantities import added_up
from eval.traces.samples import Sample

SHORTEST, LONGEST = 0.5, 1.5
"""Two samples follow one another if they are so many intervals apart; nearer by, one of them is not what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some samples of one domain, added up.

    Attributes:
        line: of its first sample.
        domain: as the mapping names it.
        start_ns, length_ns: UTC nanoseconds.
        phase: during which it lies; empty where nobody told.
        amounts: by column that a sample has, see ``quantities.added_up``.
        indicators: by party, the mean of the samples; NaN where one lacks it.
    """

    line: int
    domain: str
    start_ns: int
    length_ns: int
    phase: str
    amounts: Mapping[str, float]
    indicators: Mapping[str, float]


@dataclass(slots=True)
class _Series:
    """One domain's samples since the last whole window."""

    samples: list[Sample] = field(default_factory=list)
    start_ns: int = 0
    last_ns: int | None = None


class Windows:
    """Adds samples up.

    Attributes:
        incomplete: samples that came to no whole window: a gap, another phase, or the end came first.
    """

    def __init__(self, mapping: MappingFile) -> None:
        self.incomplete = 0
        self._columns = mapping.columns
        self._intervals = mapping.table.intervals
        self._interval_ns = round(mapping.table.interval_seconds * 1e9)
        self._end_lag_ns = 0 if mapping.time.stamps == "end" else self._interval_ns
        self._phases = _phase_starts(mapping)
        self._series: dict[str, _Series] = {}

    def windows(self, sample: Sample) -> Iterator[Window]:
        """Take a sample; yields the window that it completes, if it does.

        Raises:
            CellError: it is not later than the one before it in its domain, by half an interval at least.
        """
        series = self._series.setdefault(sample.domain, _Series())
        end_ns = sample.time_ns + self._end_lag_ns
        follows = series.last_ns is not None and self._follows(series.last_ns, end_ns)
        start_ns = series.last_ns if follows and series.last_ns is not None else end_ns - self._interval_ns
        if start_ns < 0:
            raise CellError("its interval begins before 1970")
        series.last_ns = end_ns
        if series.samples and not (follows and self._phase(sample, start_ns) == self._phase_of(series)):
            self._drop(series)
        if not series.samples:
            series.start_ns = start_ns
        series.samples.append(sample)
        if len(series.samples) == self._intervals:
            yield self._closed(series, end_ns)
            series.samples.clear()

    def finish(self) -> None:
        """Count what is left over."""
        for series in self._series.values():
            self._drop(series)

    def _follows(self, last_ns: int, end_ns: int) -> bool:
        apart = (end_ns - last_ns) / self._interval_ns
        if apart <= 0:
            raise CellError("its time is not later than that of the row before it in the same domain")
        if apart < SHORTEST:
            raise CellError(f"it comes {apart:.2g} intervals after the row before it: interval_seconds is another")
        return apart <= LONGEST

    def _drop(self, series: _Series) -> None:
        self.incomplete += len(series.samples)
        series.samples.clear()

    def _phase(self, sample: Sample, start_ns: int) -> str:
        if not self._phases:
            return sample.phase
        return next((name for since_ns, name in self._phases if since_ns <= start_ns), "")

    def _phase_of(self, series: _Series) -> str:
        return self._phase(series.samples[0], series.start_ns)

    def _closed(self, series: _Series, end_ns: int) -> Window:
        first = series.samples[0]
        return Window(
            line=first.line,
            domain=first.domain,
            start_ns=series.start_ns,
            length_ns=end_ns - series.start_ns,
            phase=self._phase_of(series),
            amounts=added_up([each.amounts for each in series.samples], self._columns),
            indicators={
                party: math.fsum(each.indicators[party] for each in series.samples) / len(series.samples)
                for party in first.indicators
            },
        )


def _phase_starts(mapping: MappingFile) -> list[tuple[int, str]]:
    """Latest first; none where a column tells phases, or nobody does."""
    label = mapping.label
    if label is None or label.phase_column is not None:
        return []
    starts = ((phase.starts, name) for name, phase in label.phases.items())
    return sorted(((round(start.timestamp() * 1e9), name) for start, name in starts if start is not None), reverse=True)
