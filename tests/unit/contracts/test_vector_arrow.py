import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema
from contracts.vector import LARGEST_NS, FeatureVector
from contracts.vector_arrow import DIGEST_KEY, arrow_schema, from_arrow, to_arrow
from tests.contract.strategies import vectors

OTHER_SCHEMA = FeatureSchema.of(2, FEATURE_SCHEMA_V1.features)


def vector(**changes: Any) -> FeatureVector:
    values = np.linspace(0, 1, len(FEATURE_SCHEMA_V1), dtype=np.float32)
    values[::3] = np.nan
    settings: dict[str, Any] = {
        "node": "n1",
        "domain": "socket0",
        "window_start_ns": 1_700_000_000_123_456_789,
        "window_length_ns": 10**10,
        "values": values,
    }
    return FeatureVector(**{**settings, **changes})


@given(st.lists(vectors(), max_size=5))
def test_a_table_gives_back_the_vectors(given_vectors: list[FeatureVector]) -> None:
    assert from_arrow(to_arrow(given_vectors)) == tuple(given_vectors)


@given(st.lists(vectors(), min_size=1, max_size=3))
def test_so_does_a_stream_of_bytes(given_vectors: list[FeatureVector]) -> None:
    table = to_arrow(given_vectors)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.open_stream(sink.getvalue()) as reader:
        assert from_arrow(reader.read_all()) == tuple(given_vectors)


@given(st.lists(vectors(), max_size=3))
def test_so_does_parquet(given_vectors: list[FeatureVector]) -> None:
    sink = io.BytesIO()
    pq.write_table(to_arrow(given_vectors), sink)
    sink.seek(0)
    assert from_arrow(pq.read_table(sink)) == tuple(given_vectors)


def test_so_do_chunks() -> None:
    table = pa.concat_tables([to_arrow([vector()]), to_arrow([vector(node="n2"), vector(domain="socket1")])])
    assert [(row.node, row.domain) for row in from_arrow(table)] == [
        ("n1", "socket0"),
        ("n2", "socket0"),
        ("n1", "socket1"),
    ]


def test_a_missing_value_is_a_null_and_a_time_is_utc() -> None:
    table = to_arrow([vector(), vector(window_start_ns=LARGEST_NS - 1, window_length_ns=1)])
    assert table.column("l3_miss_ratio").null_count == 2
    assert table.column("l3_request_miss_ratio").null_count == 0
    assert table.schema.field("window_start").type == pa.timestamp("ns", tz="UTC")
    assert table.column("window_start").cast(pa.int64()).to_pylist() == [1_700_000_000_123_456_789, LARGEST_NS - 1]


def test_columns_are_the_keys_and_then_the_schema_in_order() -> None:
    assert arrow_schema().names == ["node", "domain", "window_start", "window_length_ns", *FEATURE_SCHEMA_V1.names]
    assert {field.type for field in arrow_schema() if field.name in FEATURE_SCHEMA_V1.names} == {pa.float32()}
    assert arrow_schema().metadata == {DIGEST_KEY: FEATURE_SCHEMA_V1.digest.encode()}


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, pa.field(name, column.type, nullable=table.schema.field(name).nullable), column)


FOREIGN: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "no digest": (lambda: to_arrow([vector()]).replace_schema_metadata(None), "its schema is absent"),
    "another digest": (
        lambda: to_arrow([vector(schema=OTHER_SCHEMA)], OTHER_SCHEMA),
        f"Arrow table: its schema is {OTHER_SCHEMA.digest}",
    ),
    "a column too few": (lambda: to_arrow([vector()]).drop_columns(["io_share"]), r"names differ \(io_share\)"),
    "a column too many": (
        lambda: to_arrow([vector()]).append_column("ghz", pa.array([2.0])),
        r"names differ \(ghz\)",
    ),
    "another order": (
        lambda: to_arrow([vector()]).select(list(reversed(arrow_schema().names))),
        r"names differ \(order\)",
    ),
    "doubles": (
        lambda: _with(to_arrow([vector()]), "io_share", pa.array([0.5])),
        "io_share is double, not float",
    ),
    "milliseconds": (
        lambda: _with(to_arrow([vector()]), "window_start", pa.array([1], pa.timestamp("ms", tz="UTC"))),
        r"window_start is timestamp\[ms, tz=UTC\], not timestamp\[ns, tz=UTC\]",
    ),
    "a node that is null": (
        lambda: _with(to_arrow([vector()]), "node", pa.array([None], pa.string())),
        r"node is null in 1 row\(s\)",
    ),
    "a length that is null": (
        lambda: _with(to_arrow([vector()]), "window_length_ns", pa.array([None], pa.int64())),
        "window_length_ns is null",
    ),
    "a value out of range": (
        lambda: _with(to_arrow([vector()]), "io_share", pa.array([1.5], pa.float32())),
        "vector of n1/socket0: io_share is 1.5, outside",
    ),
    "a window before 1970": (
        lambda: _with(to_arrow([vector()]), "window_start", pa.array([-1], pa.timestamp("ns", tz="UTC"))),
        "starts at -1 ns",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_table_is_refused(kind: str) -> None:
    make, message = FOREIGN[kind]
    with pytest.raises(ContractError, match=message):
        from_arrow(make())


def test_a_vector_of_another_schema_is_not_written() -> None:
    with pytest.raises(ContractError, match="its schema is"):
        to_arrow([vector(schema=OTHER_SCHEMA)])
