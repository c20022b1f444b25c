"""Reading vectors back from Feast: as they were known at a time, and the latest.

A vector is known at its window's end, not before: one whose window is still running at the asked time is never handed
out, for it has already seen what came after.
"""

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.vector import FeatureVector
from feature_repo.definitions import VIEW_NAME
from feature_repo.rows import READ_SCHEMA, ceil_to_microseconds, from_rows
from feature_repo.store import Store

_DOMAINS_A_READ = 1000
_DUCKDB = threading.Lock()
"""Feast's duckdb store has one connection a process, which refuses a second thread."""


@dataclass(frozen=True, slots=True)
class VectorKey:
    """Which domain is asked for, and as of when (UTC nanoseconds since 1970)."""

    node: str
    domain: str
    at_ns: int


def vectors_as_of(store: Store, keys: Sequence[VectorKey]) -> tuple[FeatureVector | None, ...]:
    """For each key the vector whose window ended last at or before the asked time, by Feast's point-in-time join.

    Of two windows that ended together, the one that started later. ``None`` where none had ended, or where the last
    one ended more than ``definitions.MAXIMUM_AGE`` before, counted in whole microseconds.

    Returns:
        As many as there are keys, in their order.

    Raises:
        ContractError: history holds a row of another schema, or one that breaks the contract.
    """
    found = _join(store, keys, [ceil_to_microseconds(key.at_ns) for key in keys])
    early = [place for place, vector in found.items() if vector.window_end_ns > keys[place].at_ns]
    again = _join(store, [keys[place] for place in early], [keys[place].at_ns // 1000 for place in early])
    for place in early:
        del found[place]
    found |= {early[place]: vector for place, vector in again.items()}
    return tuple(found.get(place) for place in range(len(keys)))


def latest_vectors(store: Store, domains: Sequence[tuple[str, str]]) -> tuple[FeatureVector | None, ...]:
    """For each node and domain its latest vector from the online store, however old; ``None`` where it never had one.

    Returns:
        As many as there are domains, in their order.

    Raises:
        ContractError: the online store holds a row of another schema, or one that breaks the contract.
    """
    latest: list[FeatureVector | None] = []
    for first in range(0, len(domains), _DOMAINS_A_READ):
        latest += _read_online(store, domains[first : first + _DOMAINS_A_READ])
    return tuple(latest)


def _join(store: Store, keys: Sequence[VectorKey], at_microseconds: Sequence[int]) -> dict[int, FeatureVector]:
    """The vectors that the join found, by their key's place."""
    if not keys:
        return {}
    asked = pd.DataFrame(
        {
            "node": [key.node for key in keys],
            "domain": [key.domain for key in keys],
            "event_timestamp": pd.to_datetime(pd.Series(at_microseconds), unit="us", utc=True),
            "place": range(len(keys)),
        }
    )
    service = store.feast.get_feature_service(VIEW_NAME)
    with _DUCKDB, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        joined = store.feast.get_historical_features(entity_df=asked, features=service).to_arrow()
    known = joined.filter(pc.is_valid(joined.column("window_start_ns")))
    return dict(zip(known.column("place").to_pylist(), from_rows(known), strict=True))


def _read_online(store: Store, domains: Sequence[tuple[str, str]]) -> list[FeatureVector | None]:
    service = store.feast.get_feature_service(VIEW_NAME)
    asked = [{"node": node, "domain": domain} for node, domain in domains]
    with store.online:
        columns = store.feast.get_online_features(features=service, entity_rows=asked).to_dict()
    table = pa.table({name: columns[name] for name in READ_SCHEMA.names}, schema=READ_SCHEMA)
    known = pc.is_valid(table.column("window_start_ns"))
    vectors = iter(from_rows(table.filter(known)))
    return [next(vectors) if is_known else None for is_known in known.to_pylist()]
