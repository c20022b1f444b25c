"""A campaign on disk, part by part: what the training reads, and beside it every vector.

<traces>/campaign=<name>/part-0007.parquet             labelled trace v1, one row a window and victim
<traces>/campaign=<name>/profiles.jsonl                workload profile v1, one a line
<traces>/campaign=<name>/_vectors/part-0007.parquet    feature vector v1, one row a window and domain
<traces>/campaign=<name>/_settings.json                what the campaign is of
<traces>/campaign=<name>/_complete.json                how much it measured; there once it is whole

Readers of Parquet data sets skip names that begin with an underscore.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.model import Document
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from contracts.trace_arrow import from_arrow as rows_from_arrow
from contracts.trace_arrow import to_arrow as rows_to_arrow
from contracts.vector import FeatureVector
from contracts.vector_arrow import from_arrow as vectors_from_arrow
from contracts.vector_arrow import to_arrow as vectors_to_arrow
from eval.campaign.errors import CampaignError
from eval.campaign.part import Part
from pipelines.dataset import (
    COMPLETE_FILE,
    PARTS,
    PROFILES_FILE,
    SETTINGS_FILE,
    TRACES_FILE,
    VECTORS_FOLDER,
    partition,
)
from serving.replacement import replace_file

VECTORS_FILE = "vectors.parquet"
"""All vectors of a campaign that lies in one file a kind, as campaigns did before they had parts."""
_LOCK = "_lock"

T = TypeVar("T")


class Measured(Document):
    """How much a whole campaign measured."""

    rows: int
    profiles: int
    vectors: int


class KeptInDirectory:
    """Parts of one campaign in a directory of traces; a part is there whole or not at all.

    Args:
        traces: the directory of all campaigns; made where it is not there.
        name: of the campaign.
        settings: what tells it from another of its name, as JSON.
    """

    def __init__(self, traces: Path, *, name: str, settings: bytes) -> None:
        self.path = partition(traces, name)
        self.name = name
        self._traces = traces
        self._settings = settings

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep others off while parts are written.

        Raises:
            CampaignError: a campaign of this name and other settings lies there, or one is being run.
        """
        (self.path / VECTORS_FOLDER).mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CampaignError(
                    f"campaign {self.name} in {self.path} is being run: wait until it is done"
                ) from error
            self._refuse_other_settings()
            self._forget_unfinished_files()
            yield

    def _refuse_other_settings(self) -> None:
        file = self.path / SETTINGS_FILE
        if not file.exists():
            replace_file(file, self._settings)
        elif file.read_bytes() != self._settings:
            raise CampaignError(
                f"{self.path} holds a campaign of other settings ({SETTINGS_FILE} says which): name another state "
                "directory, or delete this one if you no longer need it"
            )

    def _forget_unfinished_files(self) -> None:
        """What ``replace_file`` had not renamed yet when its process was killed."""
        for file in self.path.rglob(".*"):
            file.unlink()

    def has(self, number: int) -> bool:
        """Whether the unit was measured whole."""
        return self._rows_file(number).exists()

    def keep(self, number: int, part: Part) -> None:
        """Write a part: vectors, then profiles, then the rows, whose file says that the part is whole."""
        _write(self.path / VECTORS_FOLDER / self._rows_file(number).name, vectors_to_arrow(part.vectors))
        if part.profiles:
            lines = b"".join(profile.to_json() + b"\n" for profile in part.profiles)
            replace_file(self.path / PROFILES_FILE, lines)
        _write(self._rows_file(number), rows_to_arrow(part.rows))

    def rows(self, number: int) -> Sequence[LabelledTrace]:
        """Rows of a kept part.

        Raises:
            CampaignError: it is torn.
        """
        return rows_from_arrow(_read(self._rows_file(number)))

    def profiles(self) -> Sequence[WorkloadProfile]:
        """Profiles of all kept parts; none before the part that has them."""
        file = self.path / PROFILES_FILE
        return [WorkloadProfile.from_json(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    def vectors(self, *, at_most: int) -> Iterator[Sequence[FeatureVector]]:
        """Vectors of all parts, up to so many at once, each node's in the order of time.

        Raises:
            CampaignError: a part is torn.
        """
        return _pieces((self.path / VECTORS_FOLDER).glob(PARTS), vectors_from_arrow, at_most=at_most)

    def labels(self, *, at_most: int) -> Iterator[Sequence[LabelledTrace]]:
        """Rows of all parts, up to so many at once.

        Raises:
            CampaignError: a part is torn.
        """
        return _pieces(self.path.glob(PARTS), rows_from_arrow, at_most=at_most)

    @property
    def measured(self) -> Measured:
        """How much the whole campaign measured.

        Raises:
            CampaignError: it is not whole.
        """
        try:
            return Measured.from_json((self.path / COMPLETE_FILE).read_bytes())
        except FileNotFoundError as error:
            raise CampaignError(f"the campaign in {self.path} is not whole: run it again, it goes on") from error

    def complete(self) -> None:
        """Say that all parts are there, and take away what a campaign of this name left in one file a kind before."""
        self._retire_files_of_before()
        measured = Measured(
            rows=sum(_length(file) for file in self.path.glob(PARTS)),
            profiles=len(self.profiles()),
            vectors=sum(_length(file) for file in (self.path / VECTORS_FOLDER).glob(PARTS)),
        )
        replace_file(self.path / COMPLETE_FILE, measured.to_json())

    def _retire_files_of_before(self) -> None:
        rows = self._traces / TRACES_FILE
        if not rows.exists():
            return
        names = set(_read(rows, columns=["campaign"]).column("campaign").to_pylist())
        if names == {self.name}:
            for name in (TRACES_FILE, PROFILES_FILE, VECTORS_FILE):
                (self._traces / name).unlink(missing_ok=True)

    def _rows_file(self, number: int) -> Path:
        return self.path / f"part-{number:04d}.parquet"


def _write(file: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    replace_file(file, sink.getvalue().to_pybytes())


def _read(file: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    with _torn(file):
        return pq.read_table(pa.BufferReader(file.read_bytes()), columns=columns)


def _pieces(
    files: Iterable[Path], from_arrow: Callable[[pa.Table], Sequence[T]], *, at_most: int
) -> Iterator[Sequence[T]]:
    """What files hold, up to so many at once; in memory are no more than twice as many."""
    waiting: list[T] = []
    for file in sorted(files):
        for table in _tables(file, rows=at_most):
            waiting.extend(from_arrow(table))
            while len(waiting) >= at_most:
                yield waiting[:at_most]
                del waiting[:at_most]
    if waiting:
        yield waiting


def _tables(file: Path, *, rows: int) -> Iterator[pa.Table]:
    with _torn(file), pq.ParquetFile(file, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(batch_size=rows):
            yield pa.Table.from_batches([batch])


@contextmanager
def _torn(file: Path) -> Iterator[None]:
    """Say which file it is that can't be read."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise CampaignError(f"{file} is torn or no Parquet: {error}; delete it and run the campaign again") from error


def _length(file: Path) -> int:
    return int(pq.read_metadata(file).num_rows)
