"""History of profiles and labels: Parquet partitions by date, or a table on the cluster profile.

    profile_v1/date=2026-03-01/<random>.parquet
    label_v1/date=2026-03-01/<random>.parquet

The date is that of the event, so that a document's key alone says where to look for it. Whoever writes holds the
store's lock.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ContractError
from feature_repo.document_columns import D
from feature_repo.documents import EVENT_COLUMN, DocumentView
from feature_repo.partitions import write_whole
from feature_repo.relation import Key, relation_of
from feature_repo.sources import partitions_of
from feature_repo.store import Store


def unknown_documents(store: Store, view: DocumentView[D], documents: Sequence[D]) -> tuple[D, ...]:
    """The documents that history does not have, each once.

    Raises:
        ContractError: two documents of one key and time differ, or history's differs from one of them.
    """
    if not documents:
        return ()
    rows = view.rows(documents)
    seen = _known(store, view, rows)
    fresh: list[D] = []
    for document, key, digest in zip(documents, _keys(rows, view), _column(rows, view.digest_column), strict=True):
        if key not in seen:
            fresh.append(document)
        elif seen[key] != digest:
            raise ContractError(
                f"{view.name} of {'/'.join(str(part) for part in key)}: another one of the same key and time is known, "
                "and what is known does not change. Nothing of the batch was written: leave it out, or measure anew"
            )
        seen[key] = digest
    return tuple(fresh)


def append_documents(store: Store, view: DocumentView[D], documents: Sequence[D]) -> None:
    """Add documents to history; on disk when this returns."""
    if not documents:
        return
    rows = view.rows(documents)
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
    """Keys in history, at least those that are among the rows', each with its document's digest."""
    if store.database:
        found = store.database.known(relation_of(view), list(_keys(rows, view)), columns=[view.digest_column])
        return {key: digest for key, (digest,) in found.items()}
    known: dict[Key, str] = {}
    for date in sorted(set(_dates(rows))):
        for file in _files(partitions_of(view.name, store.directory) / date):
            table = pq.ParquetFile(file).read(columns=[*view.key, view.digest_column])
            known.update(zip(_keys(table, view), _column(table, view.digest_column), strict=True))
    return known


def _files(partition: Path) -> list[Path]:
    return sorted(partition.glob("*.parquet"))


def _keys(rows: pa.Table, view: DocumentView[D]) -> Iterator[Key]:
    return zip(*(rows.column(name).to_pylist() for name in view.key), strict=True)


def _column(rows: pa.Table, name: str) -> list[str]:
    values: list[str] = rows.column(name).to_pylist()
    return values


def _dates(rows: pa.Table) -> list[str]:
    return [f"date={event:%Y-%m-%d}" for event in rows.column(EVENT_COLUMN).to_pylist()]
