"""Validate a directory of labelled traces row by row: the good are kept apart, the others named with their reason."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.profile import WorkloadProfile
from contracts.trace import TRACE_DIGEST_V1
from contracts.trace_arrow import DIGEST_KEY, arrow_schema
from eval.traces.errors import DatasetError
from eval.traces.known_vectors import KnownVectors, read_known_vectors
from eval.traces.layout import Place, places_of
from eval.traces.output import REFUSED_FILE, finished_directory
from eval.traces.profiles_file import read_profiles
from eval.traces.refusal import Refusal, Refusals
from eval.traces.row_check import RowCheck, RowError
from eval.traces.rows_together import PlainTrace, RowsTogether
from eval.traces.series_check import SeriesCheck
from pipelines.dataset import PROFILES_FILE

TORN = "torn row group"
UNREADABLE = "unreadable file"
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What a validation found.

    Attributes:
        rows, good: rows of all files, and those of them that are good.
        profiles: good ones.
        groups: workload groups of the good rows.
        simulated: good rows that say they come from the testbed.
        with_vectors: whether vectors beside the rows were there to compare with.
        unfinished: campaigns that stopped and were not run to their end.
    """

    rows: int
    good: int
    profiles: int
    groups: frozenset[str]
    simulated: int
    with_vectors: bool
    unfinished: tuple[str, ...]


def validate(
    directory: Path,
    *,
    refusals: Refusals,
    out: Path | None = None,
    foreign: bool = False,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Validated:
    """Validate all labelled traces in a directory, and compare them with the vectors beside them where there are any.

    Args:
        directory: see ``layout``.
        refusals: takes what is refused; files are named from the directory on.
        out: a new directory of the same layout for the good rows, their profiles and vectors, and all refusals as JSON
            lines.
        foreign: accept rows of CPUs that are not characterised.
        rows_at_once: that are held in memory.

    Raises:
        DatasetError: there is none, or the only file is no Parquet or of another contract; of several, such a file is
            refused.
    """
    places = places_of(directory)
    with ExitStack() as stack:
        target = stack.enter_context(finished_directory(out)) if out is not None else None
        if target is not None:
            refusals.sink = stack.enter_context((target / REFUSED_FILE).open("w", encoding="utf-8"))
        profiles = {place: _profiles(place, directory, refusals) for place in places}
        vectors = [file for place in places for file in place.vectors]
        check = _Check(
            tuple(each for known in profiles.values() for each in known),
            read_known_vectors(vectors) if vectors else None,
            foreign=foreign,
        )
        files = [(place, file) for place in places for file in place.traces]
        for place, file in files:
            name = str(file.relative_to(directory))
            try:
                rows = _Rows(file, name=name, at_once=rows_at_once)
            except DatasetError as error:
                if len(files) == 1:
                    raise
                reason = str(error)
                refusals.refuse(Refusal(file=name, row=0, kind=UNREADABLE, reason=reason, advice="send the file again"))
                continue
            copy = (
                None if target is None else _copied(place, profiles[place], target / place.path.relative_to(directory))
            )
            rows.check(check, refusals, copy=None if copy is None else copy / file.name)
    return check.validated(unfinished=tuple(place.path.name for place in places if not place.whole))


def _profiles(place: Place, directory: Path, refusals: Refusals) -> tuple[WorkloadProfile, ...]:
    return read_profiles(place.profiles, refusals, name=str(place.profiles.relative_to(directory)))


def _copied(place: Place, profiles: tuple[WorkloadProfile, ...], copy: Path) -> Path:
    """A folder with the good profiles and the vectors of a place, made with its first file of rows."""
    if (copy / PROFILES_FILE).exists():
        return copy
    copy.mkdir(exist_ok=True)
    (copy / PROFILES_FILE).write_bytes(b"".join(profile.to_json() + b"\n" for profile in profiles))
    for file in place.vectors:
        below = copy / file.relative_to(place.path)
        below.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, below)
    return copy


class _Rows:
    """One file of rows."""

    def __init__(self, path: Path, *, name: str, at_once: int) -> None:
        self._file = _opened(path, name)
        self._name = name
        self._at_once = at_once

    def check(self, check: "_Check", refusals: Refusals, *, copy: Path | None) -> None:
        """Check all rows; the good ones go into a file of their own, if there is to be one."""
        check.rows += self._file.metadata.num_rows
        with ExitStack() as stack:
            if copy is not None:
                writer = stack.enter_context(pq.ParquetWriter(copy, arrow_schema(), compression="zstd"))
            for begin, batch in self._batches(refusals):
                good = check.good(batch, begin, self._name, refusals)
                if copy is not None:
                    writer.write_batch(batch.filter(pa.array(good, pa.bool_())))

    def _batches(self, refusals: Refusals) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Rows, some at a time, with the number of the first; what can't be read of a row group is refused as one."""
        begin = 0
        for group in range(self._file.num_row_groups):
            end = begin + self._file.metadata.row_group(group).num_rows
            try:
                for batch in self._file.iter_batches(batch_size=self._at_once, row_groups=[group]):
                    yield begin, batch
                    begin += batch.num_rows
            except (pa.ArrowInvalid, OSError) as error:
                reason = f"rows {begin} to {end - 1} can't be read: {error}"
                torn = Refusal(file=self._name, row=begin, kind=TORN, reason=reason, advice="copy the file again")
                refusals.refuse(torn, rows=end - begin)
            begin = end


class _Check:
    """All checks of a row, in the order in which they make sense, and what is counted of the good ones."""

    def __init__(self, profiles: tuple[WorkloadProfile, ...], known: KnownVectors | None, *, foreign: bool) -> None:
        self._profiles = profiles
        self._row = RowCheck({profile.digest: profile for profile in profiles}, foreign)
        self._series = SeriesCheck()
        self._vectors = known
        self.rows = 0
        self._good = 0
        self._simulated = 0
        self._groups: set[str] = set()

    def good(self, batch: pa.RecordBatch, begin: int, name: str, refusals: Refusals) -> list[bool]:
        """Which rows of a batch are good; the others are refused.

        Args:
            batch: of labelled traces.
            begin: number of its first row.
            name: of the file.
            refusals: takes the others.
        """
        rows = RowsTogether(batch)
        good = []
        for place in range(batch.num_rows):
            try:
                self._check(rows.trace(place))
                good.append(True)
            except RowError as error:
                good.append(False)
                refusals.refuse(
                    Refusal(file=name, row=begin + place, kind=error.kind, reason=str(error), advice=error.advice)
                )
        return good

    def _check(self, trace: PlainTrace) -> None:
        self._row.check(trace)
        if self._vectors is not None:
            self._vectors.check(trace)
        self._series.check(trace)
        self._good += 1
        self._simulated += trace.simulated
        self._groups |= trace.groups

    def validated(self, *, unfinished: tuple[str, ...]) -> Validated:
        """What was found."""
        return Validated(
            rows=self.rows,
            good=self._good,
            profiles=len(self._profiles),
            groups=frozenset(self._groups),
            simulated=self._simulated,
            with_vectors=self._vectors is not None,
            unfinished=unfinished,
        )


def _opened(path: Path, name: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # what is read ahead would be kept to the row group's end
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{name} is torn or no Parquet ({error}): copy it again") from error
    refused = f"{name}: all {file.metadata.num_rows} rows are refused"
    found = (file.schema_arrow.metadata or {}).get(DIGEST_KEY, b"absent").decode(errors="replace")
    if found != TRACE_DIGEST_V1:
        raise DatasetError(
            f"{refused}: its contract is {found[:80]}, this reader knows {TRACE_DIGEST_V1} (labelled trace v1); write "
            "it anew with the reader's contract"
        )
    if not file.schema_arrow.equals(arrow_schema()):
        raise DatasetError(
            f"{refused}: its columns are not those of labelled trace v1 ({_first_difference(file.schema_arrow)}); "
            "write it by contracts.trace_arrow"
        )
    return file


def _first_difference(found: pa.Schema) -> str:
    for field in arrow_schema():
        if field.name not in found.names:
            return f"{field.name} is missing"
        if not found.field(field.name).equals(field):
            return f"{field.name} is {found.field(field.name).type}, not {field.type} that is never null"
    return "columns stand in another order, or there are too many"
