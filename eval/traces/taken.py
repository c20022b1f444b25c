"""Validated traces become campaigns of a state directory, where the training looks for them."""

import hashlib
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.canonical import canonical_json
from contracts.profile import WorkloadProfile
from contracts.trace_arrow import from_arrow as rows_from_arrow
from contracts.vector_arrow import from_arrow as vectors_from_arrow
from eval.campaign.name import refuse_bad_name
from eval.campaign.part import Part
from eval.campaign.store import KeptInDirectory
from eval.traces.errors import DatasetError
from eval.traces.layout import Place, places_of
from pipelines.dataset import FOREIGN


def take_into(traces: Path, directory: Path) -> tuple[KeptInDirectory, ...]:
    """Copy each folder of rows in a directory, with its profiles and vectors; in memory is one file at a time.

    Args:
        traces: the directory of all campaigns.
        directory: see ``layout``; all of it has been validated.

    Returns:
        One campaign a folder. Those that had been taken before are what they were.

    Raises:
        DatasetError: a folder has no vectors, or rows of several campaigns or of a CPU that is not characterised.
        CampaignError: another campaign of a folder's name is there, or none can have that name.
    """
    return tuple(_taken(traces, place) for place in places_of(directory))


def _taken(traces: Path, place: Place) -> KeptInDirectory:
    if not place.vectors:
        raise DatasetError(
            f"{place.path} has no vectors: the training compares each row with them as of its time; send them along"
        )
    kept = KeptInDirectory(traces, name=_campaign(place), settings=_identity(place))
    with kept.claimed():
        for number, (rows, vectors) in enumerate(zip_longest(place.traces, place.vectors)):
            kept.keep(
                number,
                Part(
                    rows=() if rows is None else rows_from_arrow(_table(rows)),
                    profiles=() if number else _profiles(place.profiles),
                    vectors=() if vectors is None else tuple(vectors_from_arrow(_table(vectors))),
                ),
            )
        kept.complete()
    return kept


def _campaign(place: Place) -> str:
    names = {
        name for file in place.traces for name in pq.read_table(file, columns=["campaign"])["campaign"].to_pylist()
    }
    if len(names) != 1:
        raise DatasetError(
            f"{place.path} holds rows of {len(names)} campaigns ({', '.join(sorted(names))}): one is meant"
        )
    name = str(names.pop())
    if name.startswith(FOREIGN):
        raise DatasetError(
            f"{place.path} holds campaign {name}, measured on a CPU that is not characterised: nothing is trained on it"
        )
    refuse_bad_name(name)
    return name


def _profiles(file: Path) -> tuple[WorkloadProfile, ...]:
    return tuple(WorkloadProfile.from_json(line) for line in file.read_bytes().splitlines())


def _identity(place: Place) -> bytes:
    """What tells the campaign from another of its name: its files."""
    files = (*place.traces, place.profiles, *place.vectors)
    return canonical_json({str(file.relative_to(place.path)): _sha256(file) for file in files})


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _table(file: Path) -> pa.Table:
    return pq.read_table(pa.BufferReader(file.read_bytes()))
