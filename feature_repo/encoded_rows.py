"""Rows of vectors in the form in which ``one_row`` stores them, without making an object of each value.

A serialised ``Map`` is the serialised maps of its entries, one behind the other (Protocol Buffers, "Encoding"). What
stands before a float's four bytes is the same in every row, and other values recur.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pyarrow as pa
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Map, Value

from feature_repo.documents import EVENT_COLUMN
from feature_repo.one_row import EncodedRow
from feature_repo.sources import TIE_COLUMN

_FLOAT = struct.Struct("<f")
_FIELDS = {pa.int64(): "int64_val", pa.string(): "string_val"}


def encoded_rows(rows: pa.Table, *, features: list[str], key_version: int) -> Iterator[EncodedRow]:
    """Rows of vectors in their stored form.

    Args:
        rows: as ``rows.to_rows`` makes them.
        features: the view's columns but for its join keys.
        key_version: of Feast's serialisation of entity keys.
    """
    entries = [_entries(name, rows.column(name)) for name in features]
    entities = (
        _entity_key(node, domain, key_version)
        for node, domain in zip(rows.column("node").to_pylist(), rows.column("domain").to_pylist(), strict=True)
    )
    events, created = (rows.column(name).cast(pa.int64()).to_pylist() for name in (EVENT_COLUMN, TIE_COLUMN))
    for entity, row, event, first_known in zip(entities, zip(*entries, strict=True), events, created, strict=True):
        yield EncodedRow(entity, b"".join(row), event, first_known)


def _entries(name: str, column: pa.ChunkedArray) -> list[bytes]:
    missing = _entry(name, None, None)
    if column.type == pa.float32():
        prefix = Map(val={name: Value(float_val=1.0)}).SerializeToString().removesuffix(_FLOAT.pack(1.0))
        return [missing if value is None else prefix + _FLOAT.pack(value) for value in column.to_pylist()]
    field = _FIELDS[column.type]
    return [_entry(name, field, value) for value in column.to_pylist()]


@lru_cache(maxsize=4096)
def _entry(name: str, field: str | None, value: Any) -> bytes:
    one = Value() if field is None or value is None else Value(**{field: value})
    entry: bytes = Map(val={name: one}).SerializeToString()
    return entry


@lru_cache(maxsize=1 << 16)
def _entity_key(node: str, domain: str, version: int) -> bytes:
    values = [Value(string_val=node), Value(string_val=domain)]
    return serialize_entity_key(
        EntityKey(join_keys=["node", "domain"], entity_values=values), entity_key_serialization_version=version
    )
