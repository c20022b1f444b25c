"""History of vectors, wherever it lies: in partitions, or in a table on the cluster profile."""

from collections.abc import Collection
from functools import partial

import pyarrow as pa

from feature_repo.damaged import set_aside
from feature_repo.partitions import WindowKey, append, keys_among
from feature_repo.relation import VECTOR_RELATION
from feature_repo.store import Store


def known_windows(store: Store, wanted: Collection[WindowKey]) -> frozenset[WindowKey]:
    """Those of the wanted windows that are in history. A file that can't be read is set aside, and has none."""
    if store.database is not None:
        return frozenset((node, domain, start) for node, domain, start in store.database.known(VECTOR_RELATION, wanted))
    return keys_among(wanted, history=store.history, set_aside=partial(set_aside, store))


def append_rows(store: Store, rows: pa.Table) -> None:
    """Add rows to history; on disk when this returns."""
    if store.database is not None:
        store.database.append(VECTOR_RELATION, rows)
    else:
        append(rows, history=store.history, incoming=store.incoming)
