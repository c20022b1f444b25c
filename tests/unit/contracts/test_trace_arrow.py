import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.trace import TRACE_DIGEST_V1, LabelledTrace
from contracts.trace_arrow import DIGEST_KEY, arrow_schema, from_arrow, to_arrow
from tests.contract.strategies import traces
from tests.unit.contracts.test_trace import trace


@given(st.lists(traces(), max_size=3))
def test_a_table_gives_back_the_rows(rows: list[LabelledTrace]) -> None:
    assert from_arrow(to_arrow(rows)) == tuple(rows)


@given(st.lists(traces(), min_size=1, max_size=2))
def test_so_do_parquet_and_a_stream(rows: list[LabelledTrace]) -> None:
    table = to_arrow(rows)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    sink.seek(0)
    assert from_arrow(pq.read_table(sink)) == tuple(rows)
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.open_stream(stream.getvalue()) as reader:
        assert from_arrow(reader.read_all()) == tuple(rows)


def test_every_field_of_a_row_but_its_version_is_a_column() -> None:
    assert arrow_schema().names == [name for name in LabelledTrace.model_fields if name != "version"]
    assert arrow_schema().metadata == {DIGEST_KEY: TRACE_DIGEST_V1.encode()}


def test_a_missing_value_is_a_null_in_its_list() -> None:
    table = to_arrow([trace(before=(None, *(0.25,) * 30))])
    assert table.column("before").to_pylist()[0][:2] == [None, 0.25]


def _with(name: str, column: pa.Array) -> pa.Table:
    table = to_arrow([trace()])
    index = table.schema.get_field_index(name)
    return table.set_column(index, pa.field(name, column.type, nullable=False), column)


FOREIGN: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "no digest": (lambda: to_arrow([trace()]).replace_schema_metadata(None), "its contract is absent"),
    "another digest": (
        lambda: to_arrow([trace()]).replace_schema_metadata({DIGEST_KEY: b"sha256:0"}),
        r"its contract is sha256:0, this reader knows .* \(labelled trace v1\): upgrade",
    ),
    "a column too few": (lambda: to_arrow([trace()]).drop_columns(["campaign"]), "columns are not those"),
    "another type": (lambda: _with("alone", pa.array([1], pa.int64())), "columns are not those"),
    "a row that breaks the contract": (
        lambda: _with("slowdown", pa.array([2.0])),
        "row 0 is refused: .*its indicator says 1.25",
    ),
    "a null": (lambda: _with("campaign", pa.array([None], pa.string())), "row 0 is refused: campaign"),
    "an unknown axis": (
        lambda: _with("pressed", pa.array([["power"]], pa.list_(pa.string()))),
        r"row 0 is refused: pressed\.0",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_table_is_refused(kind: str) -> None:
    make, message = FOREIGN[kind]
    with pytest.raises(ContractError, match=message):
        from_arrow(make())
