"""Labelled trace v1 as Arrow: one row a trace, vectors as fixed-size lists of nullable float32.

Apart from ``contracts.trace`` because neither the node agent nor the extender has pyarrow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import one_sentence
from contracts.trace import TRACE_DIGEST_V1, LabelledTrace

DIGEST_KEY = b"leeward.labelled_trace"

_VECTOR = pa.list_(pa.float32(), len(FEATURE_SCHEMA_V1))
_PARTY = pa.struct([pa.field(name, pa.string(), nullable=False) for name in ("key", "profile", "group")])
_INJECTION = pa.struct(
    [pa.field("axis", pa.string(), nullable=False), pa.field("intensity", pa.float64(), nullable=False)]
)

_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("node", pa.string()),
    ("domain", pa.string()),
    ("window_start_ns", pa.int64()),
    ("window_length_ns", pa.int64()),
    ("feature_schema", pa.string()),
    ("before", _VECTOR),
    ("during", _VECTOR),
    ("victim", _PARTY),
    ("co_runners", pa.list_(_PARTY)),
    ("latest_arrival", pa.string()),
    ("victim_arrived_last", pa.bool_()),
    ("injected", pa.list_(_INJECTION)),
    ("indicator", pa.string()),
    ("alone", pa.float64()),
    ("together", pa.float64()),
    ("slowdown", pa.float64()),
    ("censored", pa.bool_()),
    ("pressed", pa.list_(pa.string())),
    ("provenance", pa.string()),
    ("campaign", pa.string()),
    ("simulated", pa.bool_()),
)


def arrow_schema() -> pa.Schema:
    """The columns, none of them nullable; the contract's digest stands in the metadata."""
    fields = [pa.field(name, kind, nullable=False) for name, kind in _COLUMNS]
    return pa.schema(fields, metadata={DIGEST_KEY: TRACE_DIGEST_V1.encode()})


def to_arrow(traces: Sequence[LabelledTrace]) -> pa.Table:
    """Rows as a table."""
    rows = [trace.model_dump(mode="json", by_alias=False) for trace in traces]
    return pa.Table.from_pylist(rows, schema=arrow_schema())


def from_arrow(table: pa.Table) -> tuple[LabelledTrace, ...]:
    """Read rows back.

    Raises:
        ContractError: the digest is missing or another, a column's type is not the contract's, or a row breaks it.
    """
    digest = (table.schema.metadata or {}).get(DIGEST_KEY, b"absent").decode()
    if digest != TRACE_DIGEST_V1:
        raise ContractError(
            f"trace table: its contract is {digest}, this reader knows {TRACE_DIGEST_V1} (labelled trace v1): "
            "upgrade the older of writer and reader"
        )
    if not table.schema.equals(arrow_schema()):
        raise ContractError(f"trace table: columns are not those of labelled trace v1: {table.schema.names}")
    return tuple(_row(index, row) for index, row in enumerate(table.to_pylist()))


def _row(index: int, row: Mapping[str, Any]) -> LabelledTrace:
    try:
        return LabelledTrace.model_validate(row)
    except ValidationError as error:
        raise ContractError(f"trace table: row {index} is refused: {one_sentence(error)}") from error
