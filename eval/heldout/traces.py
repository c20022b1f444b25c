"""Labelled traces where they lie: counted without being read, read whole, a batch at a time, or a few of each group."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.trace_arrow import from_arrow
from eval.errors import EvaluationError
from eval.traces.layout import Place, places_of
from pipelines.dataset import FOREIGN, SETTINGS_FILE, TraceDataset
from pipelines.folds import STRESSOR_GROUP

_ROWS_READ_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFile:
    """A Parquet file of rows.

    Attributes:
        path: of it.
        rows: how many it has.
        clock: core clock over nominal clock at which all of them were measured; ``None`` where the campaign set none.
    """

    path: Path
    rows: int
    clock: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Some rows in the order in which they lie.

    Attributes:
        dataset: with all profiles.
        clocks: float64 ``(rows,)``, core clock over nominal clock, NaN where the campaign set none. It parts figures,
            and no model sees it.
    """

    dataset: TraceDataset
    clocks: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Rows on disk and the profiles that they name.

    Attributes:
        name: what they are called in a report.
        files: of rows.
        profiles: of all of them.
    """

    name: str
    files: tuple[TraceFile, ...]
    profiles: tuple[WorkloadProfile, ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(file.rows for file in self.files)

    def whole(self) -> Rows:
        """All rows; they take some 11 KiB of memory each.

        Raises:
            ContractError: a row, or what they are together, breaks the contract.
        """
        traces = tuple(trace for file in self.files for trace in from_arrow(_table(file.path)))
        return self._rows(traces, np.repeat([_clock(file) for file in self.files], [file.rows for file in self.files]))

    def batches(self, rows: int) -> Iterator[Rows]:
        """All rows, about so many at a time; neighbouring rows of one window stay together.

        Raises:
            ContractError: as above; a row that stands twice is noticed within a batch alone.
        """
        for file in self.files:
            waiting: list[LabelledTrace] = []
            for table in _tables(file.path):
                waiting.extend(from_arrow(table))
                if len(waiting) > rows:
                    cut = _last_window(waiting)
                    yield self._rows(tuple(waiting[:cut]), np.full(cut, _clock(file)))
                    waiting = waiting[cut:]
            if waiting:
                yield self._rows(tuple(waiting), np.full(len(waiting), _clock(file)))

    def sample(self, rows: int, *, seed: int) -> Rows:
        """So many rows at most, as many of each victims' group as there are, drawn at random; in the order in which
        they lie."""
        groups = np.concatenate([_victim_groups(file.path) for file in self.files])
        chosen = np.sort(drawn_by_group(groups, rows, np.random.default_rng(seed)))
        traces: list[LabelledTrace] = []
        clocks: list[float] = []
        begin = 0
        for file in self.files:
            for table in _tables(file.path):
                own = chosen[(chosen >= begin) & (chosen < begin + table.num_rows)] - begin
                traces.extend(from_arrow(table.take(pa.array(own))))
                clocks.extend([_clock(file)] * len(own))
                begin += table.num_rows
        return self._rows(tuple(traces), np.array(clocks))

    def digest_of_files(self) -> str:
        """SHA-256 over the files' own digests, in order: for rows that are too many to be put in order."""
        whole = hashlib.sha256()
        for file in self.files:
            with file.path.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        return f"sha256:{whole.hexdigest()}"

    def _rows(self, traces: tuple[LabelledTrace, ...], clocks: NDArray[np.float64]) -> Rows:
        return Rows(dataset=TraceDataset(traces=traces, profiles=self.profiles), clocks=clocks)


def traces_in(directory: Path) -> Traces:
    """Traces of a directory: one that was imported, a campaign's, or one of campaigns.

    Raises:
        DatasetError: there are none.
        EvaluationError: a campaign stopped before its end, a file is torn, or profiles are missing.
        ContractError: a profile breaks the contract.
    """
    places = places_of(directory)
    unfinished = next((place for place in places if not place.whole), None)
    if unfinished is not None:
        raise EvaluationError(
            f"the campaign in {unfinished.path} is not whole: run it again, it goes on where it stopped"
        )
    profiles = {profile.digest: profile for place in places for profile in _profiles(place.profiles)}
    return Traces(
        name=str(directory),
        files=tuple(file for place in places for file in _files(place)),
        profiles=tuple(profiles.values()),
    )


def is_foreign(traces: Sequence[LabelledTrace]) -> bool:
    """Whether any row was measured on a CPU that is not characterised."""
    return any(trace.campaign.startswith(FOREIGN) for trace in traces)


def drawn_by_group(groups: NDArray[np.str_], rows: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Positions of at most ``rows`` rows, as many of each group as can be; groups with fewer give all of theirs.

    Args:
        groups: ``(n,)``.
        rows: at most.
        random: draws.
    """
    if len(groups) <= rows:
        return np.arange(len(groups))
    _, inverse = np.unique(groups, return_inverse=True)
    shuffled = random.permutation(len(groups))
    by_group = shuffled[np.argsort(inverse[shuffled], kind="stable")]
    sizes = np.bincount(inverse)
    turn = np.concatenate([np.arange(size) for size in sizes])
    return np.asarray(by_group[np.argsort(turn, kind="stable")[:rows]])


def _files(place: Place) -> Iterator[TraceFile]:
    clocks, nodes = _clocks(place.path / SETTINGS_FILE)
    for path in place.traces:
        try:
            rows = pq.ParquetFile(path).metadata.num_rows
        except pa.ArrowInvalid as error:
            raise EvaluationError(f"{path} is torn or no Parquet: {error}; fetch or measure it again") from error
        yield TraceFile(path=path, rows=rows, clock=_clock_of_part(path, clocks, nodes))


def _clocks(settings: Path) -> tuple[tuple[float, ...], int]:
    if not settings.is_file():
        return (), 1
    told = json.loads(settings.read_bytes())
    return tuple(told.get("clocks", ())), int(told.get("nodes", 1))


def _clock_of_part(part: Path, clocks: Sequence[float], nodes: int) -> float | None:
    """Part 0 is the profile runs; each clock setting then has two parts a node, see ``eval.campaign.plan``."""
    number = part.stem.removeprefix("part-")
    if not clocks or not number.isdigit() or int(number) == 0:
        return None
    return clocks[min((int(number) - 1) // (2 * nodes), len(clocks) - 1)]


def _clock(file: TraceFile) -> float:
    return float("nan") if file.clock is None else file.clock


def _profiles(file: Path) -> Iterator[WorkloadProfile]:
    if not file.is_file():
        raise EvaluationError(f"{file} is missing: rows and the profiles that they name belong together")
    for line in file.read_bytes().splitlines():
        yield WorkloadProfile.from_json(line)


def _table(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read()


def _tables(path: Path) -> Iterator[pa.Table]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_ROWS_READ_AT_ONCE):
        yield pa.Table.from_batches([batch])


def _victim_groups(path: Path) -> NDArray[np.str_]:
    column = pq.ParquetFile(path).read(columns=["victim.group"]).column("victim").combine_chunks()
    groups = np.array(column.field("group").to_pylist(), dtype=np.str_)
    return np.where(groups == STRESSOR_GROUP, "", groups)


def _last_window(traces: Sequence[LabelledTrace]) -> int:
    """Where the rows of the last window begin; all of them where there is but one."""
    last = traces[-1]
    cut = len(traces)
    while cut and _window(traces[cut - 1]) == _window(last):
        cut -= 1
    return cut or len(traces)


def _window(trace: LabelledTrace) -> tuple[str, str, str, int]:
    return trace.campaign, trace.node, trace.domain, trace.window_start_ns
