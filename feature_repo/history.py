"""Reading vectors back from Feast: as they were known at a time, and the latest.

A vector is known at its window's end, not before: one whose window is still running at the asked time is never handed
out, for it has already seen what came after.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from contracts.vector import FeatureVector
from feature_repo.names import VIEW_NAME
from feature_repo.reads import PLACE, rows_as_of, rows_online
from feature_repo.rows import READ_SCHEMA, ceil_to_microseconds, from_rows
from feature_repo.store import Store


@dataclass(frozen=True, slots=True)
class VectorKey:
    """Which domain is asked for, and as of when (UTC nanoseconds since 1970)."""

    node: str
    domain: str
    at_ns: int


def vectors_as_of(store: Store, keys: Sequence[VectorKey]) -> tuple[FeatureVector | None, ...]:
    """For each key the vector whose window ended last at or before the asked time, by Feast's point-in-time join.

    Of two windows that ended together, the one that started later. ``None`` where none had ended, or where the last
    one ended more than ``names.MAXIMUM_AGE`` before, counted in whole microseconds.

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
    asked = [{"node": node, "domain": domain} for node, domain in domains]
    table = rows_online(store, VIEW_NAME, asked, READ_SCHEMA)
    known = pc.is_valid(table.column("window_start_ns"))
    vectors = iter(from_rows(table.filter(known)))
    return tuple(next(vectors) if is_known else None for is_known in known.to_pylist())


def _join(store: Store, keys: Sequence[VectorKey], at_microseconds: Sequence[int]) -> dict[int, FeatureVector]:
    """The vectors that the join found, by their key's place."""
    if not keys:
        return {}
    columns = {"node": [key.node for key in keys], "domain": [key.domain for key in keys]}
    joined = rows_as_of(store, VIEW_NAME, columns, at_microseconds)
    known = joined.filter(pc.is_valid(joined.column("window_start_ns")))
    return dict(zip(known.column(PLACE).to_pylist(), from_rows(known), strict=True))
