"""How a vector stands in Feast: the contract's Arrow row, and the columns that Feast joins by.

``event_timestamp`` is the window's *end*, since a vector is not known before. Feast's duckdb store and pandas frames
carry microseconds, so the end is rounded up to one; ``window_start_ns`` and ``window_length_ns`` keep the exact window.
``window_start`` breaks ties: of two windows that end together, a join takes the one that started later.
"""

from collections.abc import Sequence

import pyarrow as pa

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, refuse_foreign_digest
from contracts.vector_arrow import arrow_schema, from_arrow
from feature_repo.names import DIGEST_TAG
from feature_repo.vector_columns import VectorColumns

_NANOSECONDS = pa.timestamp("ns", tz="UTC")

READ_SCHEMA = pa.schema(
    [
        pa.field("node", pa.string()),
        pa.field("domain", pa.string()),
        *(pa.field(name, pa.float32()) for name in FEATURE_SCHEMA_V1.names),
        pa.field("window_start_ns", pa.int64()),
        pa.field("window_length_ns", pa.int64()),
        pa.field(DIGEST_TAG, pa.string()),
    ]
)
"""The columns of a vector that Feast hands back, online and from history."""


def ceil_to_microseconds(nanoseconds: int) -> int:
    """The first whole microsecond that is not before ``nanoseconds``."""
    return -(-nanoseconds // 1000)


def to_rows(vectors: Sequence[FeatureVector]) -> pa.Table:
    """One row a vector, null where a feature is missing: what is pushed and what history's files hold.

    Raises:
        ContractError: a vector is of another schema than v1.
    """
    return VectorColumns.of(vectors).rows()


def from_rows(table: pa.Table) -> tuple[FeatureVector, ...]:
    """Read rows back; columns beyond ``READ_SCHEMA`` are left alone.

    Raises:
        ContractError: a row is of another schema, or breaks the contract.
    """
    rows = table.select(READ_SCHEMA.names).cast(READ_SCHEMA)
    for digest in rows.column(DIGEST_TAG).unique().to_pylist():
        refuse_foreign_digest(digest, FEATURE_SCHEMA_V1, where="feature store")
    columns = {
        "node": rows.column("node"),
        "domain": rows.column("domain"),
        "window_start": rows.column("window_start_ns").cast(_NANOSECONDS),
        "window_length_ns": rows.column("window_length_ns"),
        **{name: rows.column(name) for name in FEATURE_SCHEMA_V1.names},
    }
    return from_arrow(pa.table(columns, schema=arrow_schema()))
