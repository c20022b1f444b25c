"""History of profiles and labels: Parquet partitions by date, or a table on the cluster profile.

    profile_v1/date=2026-03-01/<random>.parquet
    label_v1/date=2026-03-01/<random>.parquet

The date is that of the event, so that a document's key alone says where to look for it. Whoever writes holds the
store's lock.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import ContractError
from feature_repo.document_columns import D
from feature_repo.documents import EVENT_COLUMN, DocumentView
from feature_repo.partitions import files_in, write_whole
from feature_repo.relation import Key, relation_of
from feature_repo.sources import partitions_of
from feature_repo.store import Store

Bounds = tuple[Any, Any]
"""The least and the greatest of a column, both included."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FreshDocuments(Generic[D]):
    """Documents that history does not have, and their rows, in one order."""

    documents: tuple[D, ...]
    rows: pa.Table


def fresh_documents(store: Store, view: DocumentView[D], documents: Sequence[D]) -> FreshDocuments[D]:
    """The documents that history does not have, each once.

    Memory is bounded by the documents, and by what history has under keys like theirs from the same time.

    Raises:
        ContractError: two documents of one key and time differ, or history's differs from one of them.
    """
    rows = view.rows(documents)
    seen = _known(store, view, rows)
    places: list[int] = []
    for place, (key, digest) in enumerate(zip(_keys(rows, view), _column(rows, view.digest_column), strict=True)):
        if key not in seen:
            places.append(place)
        elif seen[key] != digest:
            raise ContractError(
                f"{view.name} of {'/'.join(str(part) for part in key)}: another one of the same key and time is known, "
                "and what is known does not change. Nothing of the batch was written: leave it out, measure anew, or "
                "name another state directory"
            )
        seen[key] = digest
    return FreshDocuments(
        documents=tuple(documents[place] for place in places), rows=rows.take(pa.array(places, pa.int64()))
    )


def append_documents(store: Store, view: DocumentView[D], rows: pa.Table) -> None:
    """Add rows of documents to history; on disk when this returns."""
    if not rows.num_rows:
        return
    if store.database:
        store.database.append(relation_of(view), rows)
        return
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, date in enumerate(_dates(rows)):
        places[date].append(place)
    for date, within in sorted(places.items()):
        file = partitions_of(view.name, store.directory) / date / f"{uuid.uuid4().hex}.parquet"
        write_whole(rows.take(within), file, incoming=store.incoming)


def _known(store: Store, view: DocumentView[D], rows: pa.Table) -> dict[Key, str]:
    """Those of the rows' keys that are in history, each with its document's digest."""
    if not rows.num_rows:
        return {}
    wanted = set(_keys(rows, view))
    if store.database:
        found = store.database.known(relation_of(view), wanted, columns=[view.digest_column])
        return {key: digest for key, (digest,) in found.items()}
    known: dict[Key, str] = {}
    bounds = {name: _bounds(rows.column(name)) for name in view.key}
    for date in sorted(set(_dates(rows))):
        for file in files_in(partitions_of(view.name, store.directory) / date):
            near = _read_near(file, bounds, columns=[*view.key, view.digest_column])
            digests = zip(_keys(near, view), _column(near, view.digest_column), strict=True)
            known.update((key, digest) for key, digest in digests if key in wanted)
    return known


def _bounds(column: pa.ChunkedArray) -> Bounds:
    least_and_greatest = pc.min_max(column)
    return least_and_greatest["min"].as_py(), least_and_greatest["max"].as_py()


def _read_near(file: Path, bounds: Mapping[str, Bounds], *, columns: Sequence[str]) -> pa.Table:
    """Row groups of a file; those whose statistics say that a column lies outside its bounds are not read."""
    with pq.ParquetFile(file) as parquet:
        near = [
            group
            for group in range(parquet.num_row_groups)
            if all(_overlaps(column, bounds) for column in _columns_of(parquet.metadata.row_group(group)))
        ]
        return parquet.read_row_groups(near, columns=list(columns), use_threads=False)


def _columns_of(group: pq.RowGroupMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    return (group.column(index) for index in range(group.num_columns))


def _overlaps(column: pq.ColumnChunkMetaData, bounds: Mapping[str, Bounds]) -> bool:
    wanted, kept = bounds.get(column.path_in_schema), column.statistics
    if wanted is None or kept is None or not kept.has_min_max:
        return True
    least, greatest = wanted
    return bool(kept.min <= greatest and kept.max >= least)


def _keys(rows: pa.Table, view: DocumentView[D]) -> Iterator[Key]:
    return zip(*(rows.column(name).to_pylist() for name in view.key), strict=True)


def _column(rows: pa.Table, name: str) -> list[str]:
    values: list[str] = rows.column(name).to_pylist()
    return values


def _dates(rows: pa.Table) -> list[str]:
    return [f"date={event:%Y-%m-%d}" for event in rows.column(EVENT_COLUMN).to_pylist()]
