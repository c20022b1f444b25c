"""Where labelled traces lie in a directory: in one file a kind, or campaign by campaign and part by part, or both.

<directory>/traces.parquet, profiles.jsonl, vectors.parquet
<directory>/campaign=<name>/part-*.parquet, profiles.jsonl, _vectors/part-*.parquet

``pipelines.dataset`` and ``eval.campaign.store`` read and write the same.
"""

from dataclasses import dataclass
from pathlib import Path

from eval.campaign.store import VECTORS_FILE
from eval.traces.errors import DatasetError
from pipelines.dataset import (
    COMPLETE_FILE,
    PARTS,
    PROFILES_FILE,
    SETTINGS_FILE,
    TRACES_FILE,
    VECTORS_FOLDER,
    partition,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of rows.

    Attributes:
        path: of the folder.
        traces: its files of rows, in order.
        profiles: its file of profiles.
        vectors: its files of vectors; none where nobody kept them.
        whole: false for a campaign that stopped and was not run to its end.
    """

    path: Path
    traces: tuple[Path, ...]
    profiles: Path
    vectors: tuple[Path, ...]
    whole: bool


def places_of(directory: Path) -> tuple[Place, ...]:
    """All folders of rows: the directory itself, or a campaign's, and those of the campaigns in it.

    Raises:
        DatasetError: there are none.
    """
    partitions = sorted(partition(directory, "").parent.glob(f"{partition(directory, '').name}*"))
    places = tuple(place for folder in (*partitions, directory) if (place := _place(folder)).traces)
    if not places:
        raise DatasetError(
            f"no labelled traces in {directory}: {TRACES_FILE} is meant, or {PARTS} in folders of campaigns; name the "
            "directory that was sent"
        )
    return places


def _place(folder: Path) -> Place:
    single, vectors = folder / TRACES_FILE, folder / VECTORS_FILE
    return Place(
        path=folder,
        traces=(*sorted(folder.glob(PARTS)), *((single,) if single.is_file() else ())),
        profiles=folder / PROFILES_FILE,
        vectors=(*sorted((folder / VECTORS_FOLDER).glob(PARTS)), *((vectors,) if vectors.is_file() else ())),
        whole=(folder / COMPLETE_FILE).is_file() or not (folder / SETTINGS_FILE).is_file(),
    )
