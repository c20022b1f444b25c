"""What Feast is asked: rows as they were known at a time, and the latest ones online."""

import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa

from feature_repo.compaction import readers_lock
from feature_repo.documents import EVENT_COLUMN
from feature_repo.lock import shared
from feature_repo.reaching import reaching_servers
from feature_repo.store import Store

PLACE = "place"
"""The column that says which question a row answers, from 0."""

_QUESTIONS_A_READ = 1000
_QUESTIONS_A_JOIN = 20_000
"""Feast joins first and drops afterwards: each question meets all rows of its keys that are young enough, thirty of a
vector's. So many questions take some 350 MiB for that, a million at once would take 9 GiB and no less time."""
_DUCKDB = threading.Lock()
"""Feast's duckdb store has one connection a process, which refuses a second thread."""


@contextmanager
def reading_history(store: Store) -> Iterator[None]:
    """Held around each use of Feast's offline store, from the question to the rows: no file changes place meanwhile.

    Raises:
        StoreUnreachableError: Postgres can't be reached.
    """
    with reaching_servers(), _DUCKDB, shared(readers_lock(store)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        yield


def rows_as_of(
    store: Store, service: str, keys: Mapping[str, Sequence[str]], at_microseconds: Sequence[int]
) -> pa.Table:
    """Feast's point-in-time join: for each question the row of its keys whose event is the last at or before its time.

    Memory is that of the answers, and of a fixed number of questions at a time.

    Args:
        service: the feature service that is read.
        keys: each join key's column, as long as there are questions.
        at_microseconds: each question's time, UTC microseconds since 1970.

    Returns:
        The service's features, null where no row was found, and ``PLACE``; in any order. No rows and no columns where
        nothing is asked.
    """
    questions = pd.DataFrame(
        {
            **keys,
            EVENT_COLUMN: pd.to_datetime(pd.Series(at_microseconds), unit="us", utc=True),
            PLACE: range(len(at_microseconds)),
        }
    )
    asked = store.service(service)
    tables: list[pa.Table] = []
    for places in _asked_together(store, keys):
        for first in range(0, len(places), _QUESTIONS_A_JOIN):
            together = questions.iloc[places[first : first + _QUESTIONS_A_JOIN]]
            with reading_history(store):
                job = store.feast.get_historical_features(entity_df=together, features=asked)
                tables.append(job.to_arrow())
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def _asked_together(store: Store, keys: Mapping[str, Sequence[str]]) -> list[list[int]]:
    """The questions' places, parted so that a join does not confuse their keys.

    Feast's Postgres store tells questions apart by their keys run together, and takes node-1 with domain 1x for node-11
    with domain x. Keys of the same lengths can't be confused.
    """
    parted: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(*keys.values(), strict=True)):
        parted[tuple(len(part) for part in key) if store.database else ()].append(place)
    return list(parted.values())


def rows_online(store: Store, service: str, keys: Sequence[Mapping[str, str]], schema: pa.Schema) -> pa.Table:
    """The latest row of each key, in the keys' order; all features null where there never was one.

    Args:
        service: the feature service that is read.
        schema: which of its columns, and their types.
    """
    tables = [schema.empty_table()]
    for first in range(0, len(keys), _QUESTIONS_A_READ):
        rows = [dict(key) for key in keys[first : first + _QUESTIONS_A_READ]]
        with store.online:
            asked = store.service(service)
            columns = store.feast.get_online_features(features=asked, entity_rows=rows).to_dict()
        tables.append(pa.table({name: columns[name] for name in schema.names}, schema=schema))
    return pa.concat_tables(tables)
