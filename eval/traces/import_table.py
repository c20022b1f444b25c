"""Import a table: samples to windows to vectors and, where the mapping labels them, to labelled traces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector
from eval.traces.cells import CellError, Line, lines_of
from eval.traces.errors import TableError
from eval.traces.frequency import carries_frequency
from eval.traces.labels import Labels, Measured
from eval.traces.long import LongRows
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.profiles_file import read_profiles
from eval.traces.refusal import Refusal, Refusals
from eval.traces.samples import Sample
from eval.traces.stamps import Stamps
from eval.traces.vectors import Vectors
from eval.traces.wide import BETWEEN_HEADERS, WideRows, layout_of
from eval.traces.windows import Window, Windows

BAD_ROW = "unreadable row"
BAD_TIME = "time does not go forward"
FREQUENCY = "the core clock, or what follows it: refused"
UNNAMED = "the mapping does not name it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a table.

    Attributes:
        vectors: in the order of time, domain by domain as the rows came.
        traces, profiles: where the mapping labels windows.
        rows: that the table has.
        incomplete: samples that came to no whole window.
        features: vectors that have a feature, by name.
        missing: vectors that lack a feature, by name and reason.
        columns: of the table that nothing is made of, by reason.
    """

    vectors: tuple[FeatureVector, ...]
    traces: tuple[LabelledTrace, ...]
    profiles: tuple[WorkloadProfile, ...]
    rows: int
    incomplete: int
    features: Mapping[str, int]
    missing: Mapping[tuple[str, str], int]
    columns: Mapping[str, tuple[str, ...]]


def import_table(path: Path, mapping: MappingFile, *, refusals: Refusals, beside: Path) -> Imported:
    """Import a table.

    Args:
        path: of the table.
        mapping: how.
        refusals: takes the rows that can't be read, and windows that should be labelled and can't be.
        beside: the mapping's directory, where a file of profiles is looked for.

    Raises:
        TableError: it can't be read, is not what the mapping describes, or holds no whole window.
        DatasetError: the mapping names profiles that are not there.
    """
    source = _Rows(path, mapping)
    windows, vectors = Windows(mapping), Vectors(mapping)
    measured: list[Measured] = []
    for sample in source.samples(refusals):
        measured.extend(
            Measured(window=each, vector=vectors.vector(each)) for each in _added(windows, sample, path, refusals)
        )
    windows.finish()
    if not measured:
        raise TableError(
            f"table {path.name} holds no whole window of {mapping.table.window_seconds:g} s: "
            f"{source.rows} row(s) read, {refusals.total} refused{_first_reason(refusals)}, "
            f"{windows.incomplete} sample(s) left over"
        )
    traces, profiles = _labelled(path, mapping, measured, refusals=refusals, beside=beside)
    return Imported(
        vectors=tuple(each.vector for each in measured),
        traces=traces,
        profiles=profiles,
        rows=source.rows,
        incomplete=windows.incomplete,
        features=dict(vectors.present),
        missing=dict(vectors.missing),
        columns=_left_out(source, mapping),
    )


class _Rows:
    """The rows of either kind of table."""

    def __init__(self, path: Path, mapping: MappingFile) -> None:
        self.rows = 0
        self.names: tuple[str, ...] = ()
        self.read: frozenset[str] = frozenset()
        self._path = path
        self._mapping = mapping
        self._stamps = Stamps(mapping.time)

    def samples(self, refusals: Refusals) -> Iterator[Sample]:
        """All samples; a row that can't be read is refused."""
        lines = self._rows_of(lines_of(self._path, self._mapping.table))
        if self._mapping.table.kind == "wide":
            header = list(islice(lines, self._mapping.table.header_rows))
            if len(header) < self._mapping.table.header_rows:
                raise TableError(f"table {self._path.name} has no rows under its header")
            layout = layout_of(header, self._mapping)
            self.names, self.read = layout.names, layout.read
            wide = WideRows(layout, self._mapping, self._stamps)
            yield from self._read(lines, wide, refusals)
            return
        long = LongRows(self._mapping, self._stamps)
        yield from self._read(lines, long, refusals)
        yield from long.rest()
        self.names, self.read = tuple(long.names), frozenset(long.read)

    def _rows_of(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            if line.is_comment:
                self._stamps.note(line.cells[0])
            else:
                yield line

    def _read(self, lines: Iterator[Line], rows: WideRows | LongRows, refusals: Refusals) -> Iterator[Sample]:
        for line in lines:
            self.rows += 1
            try:
                yield from rows.samples(line)
            except CellError as error:
                advice = "mend the row, or the mapping; the window that it belongs to is left out"
                refusals.refuse(
                    Refusal(file=self._path.name, row=line.number, kind=BAD_ROW, reason=str(error), advice=advice)
                )


def _added(windows: Windows, sample: Sample, path: Path, refusals: Refusals) -> list[Window]:
    try:
        return list(windows.windows(sample))
    except CellError as error:
        refusals.refuse(
            Refusal(
                file=path.name,
                row=sample.line,
                kind=BAD_TIME,
                reason=f"{sample.domain}: {error}",
                advice="sort the table by time, and leave out what stands in it twice",
            )
        )
        return []


def _first_reason(refusals: Refusals) -> str:
    return f" (first, line {refusals.shown[0].row}: {refusals.shown[0].reason})" if refusals.shown else ""


def _labelled(
    path: Path, mapping: MappingFile, measured: list[Measured], *, refusals: Refusals, beside: Path
) -> tuple[tuple[LabelledTrace, ...], tuple[WorkloadProfile, ...]]:
    if mapping.label is None:
        return (), ()
    named = mapping.label.profiles
    known = (
        {} if named is None else {each.key: each for each in read_profiles(beside / named, refusals, name=str(named))}
    )
    own = [each for each in measured if each.window.domain == mapping.label.domain]
    labels = Labels(mapping, own, known=known, file=path.name)
    rows = labels.rows(refusals)
    return rows, labels.profiles(rows)


def _left_out(source: _Rows, mapping: MappingFile) -> dict[str, tuple[str, ...]]:
    """Columns that nothing is made of, by reason."""
    found: dict[str, list[str]] = {}
    for name in source.names:
        if name.strip(BETWEEN_HEADERS) and name not in source.read:
            found.setdefault(_reason(name, mapping), []).append(name)
    return {reason: tuple(names) for reason, names in found.items()}


def _reason(name: str, mapping: MappingFile) -> str:
    if carries_frequency(name):
        return FREQUENCY
    told = (reason for pattern, reason in mapping.not_mapped.items() if fnmatchcase(name, pattern))
    return next(told, UNNAMED)
