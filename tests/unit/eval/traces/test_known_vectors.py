"""Files of vectors are taken or refused exactly as the contract reads them, vector by vector."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace_arrow import to_arrow as rows_to_arrow
from contracts.vector import LARGEST_NS
from contracts.vector_arrow import from_arrow, to_arrow
from eval.traces.errors import DatasetError
from eval.traces.known_vectors import UNKNOWN_VECTOR, read_known_vectors
from eval.traces.row_check import RowError
from eval.traces.rows_together import RowsTogether
from tests.unit.eval.traces.lab import row, vector
from tests.unit.eval.traces.test_rows_together import around, batch_of

TABLE = to_arrow([vector(place) for place in range(-1, 3)])

_ODD_KEYS: dict[str, list[Any]] = {
    "node": ["", "n" * 253, "n" * 254, None],
    "domain": ["", "d" * 63, "d" * 64, None],
    "window_start": [-1, 0, LARGEST_NS, None],
    "window_length_ns": [-1, 0, 1, LARGEST_NS, None],
}


@st.composite
def odd_tables(draw: st.DrawFn) -> pa.Table:
    """Vectors of which one says something else."""
    name = draw(st.sampled_from([*TABLE.schema.names[:4], *FEATURE_SCHEMA_V1.names]))
    kind = TABLE.schema.field(name).type
    odd = _ODD_KEYS.get(name) or around(FEATURE_SCHEMA_V1.index(name))
    values = TABLE.column(name).cast(pa.int64() if name == "window_start" else kind).to_pylist()
    values[draw(st.integers(0, TABLE.num_rows - 1))] = draw(st.sampled_from(odd))
    column = pa.array(values, pa.int64() if name == "window_start" else kind).cast(kind)
    nullable = pa.field(name, kind, nullable=None in values or TABLE.schema.field(name).nullable)
    return TABLE.set_column(TABLE.schema.names.index(name), nullable, column)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=odd_tables())
def test_what_the_contract_refuses_is_refused_in_its_words_and_nothing_else_is(tmp_path: Path, table: pa.Table) -> None:
    file = tmp_path / "vectors.parquet"
    pq.write_table(table, file)
    wrong = complaint(lambda: from_arrow(pq.read_table(file)))
    found = complaint(lambda: read_known_vectors([file]))
    assert found == (wrong and f"vectors vectors.parquet: {wrong}; mend the file, or take it away to do without")


def complaint(read: Callable[[], object]) -> str:
    """What is wrong with vectors, if anything is."""
    try:
        read()
    except (ContractError, DatasetError) as error:
        return str(error)
    return ""


def test_a_row_finds_its_vectors_among_those_of_several_files(tmp_path: Path) -> None:
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for file, places in zip(files, ((-1, 1), (0, 2)), strict=True):
        pq.write_table(to_arrow([vector(place) for place in places]), file)
    trace = RowsTogether(batch_of(rows_to_arrow([row(0)]).to_pylist())).trace(0)
    read_known_vectors(files).check(trace)
    with pytest.raises(RowError) as refused:
        read_known_vectors(files[:1]).check(trace)
    assert refused.value.kind == UNKNOWN_VECTOR
