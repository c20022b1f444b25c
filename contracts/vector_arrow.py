"""Feature vector v1 as Arrow: one row a vector, one nullable float32 column a feature.

Apart from ``contracts.vector`` because the node agent has no pyarrow.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema
from contracts.vector import FeatureVector, refuse_foreign_digest, to_onnx_input

DIGEST_KEY = b"leeward.feature_schema"

KEY_FIELDS: tuple[pa.Field, ...] = (
    pa.field("node", pa.string(), nullable=False),
    pa.field("domain", pa.string(), nullable=False),
    pa.field("window_start", pa.timestamp("ns", tz="UTC"), nullable=False),
    pa.field("window_length_ns", pa.int64(), nullable=False),
)


def arrow_schema(schema: FeatureSchema = FEATURE_SCHEMA_V1) -> pa.Schema:
    """Key columns, then one column a feature in schema order; the digest stands in the schema's metadata."""
    columns = [pa.field(name, pa.float32()) for name in schema.names]
    return pa.schema([*KEY_FIELDS, *columns], metadata={DIGEST_KEY: schema.digest.encode()})


def to_arrow(vectors: Sequence[FeatureVector], schema: FeatureSchema = FEATURE_SCHEMA_V1) -> pa.Table:
    """Vectors as a table.

    Raises:
        ContractError: a vector is of another schema.
    """
    rows = to_onnx_input(vectors, schema)
    keys = [
        pa.array([vector.node for vector in vectors], pa.string()),
        pa.array([vector.domain for vector in vectors], pa.string()),
        pa.array([vector.window_start_ns for vector in vectors], pa.int64()).cast(pa.timestamp("ns", tz="UTC")),
        pa.array([vector.window_length_ns for vector in vectors], pa.int64()),
    ]
    columns = [pa.array(rows[:, index], pa.float32(), mask=np.isnan(rows[:, index])) for index in range(len(schema))]
    return pa.Table.from_arrays([*keys, *columns], schema=arrow_schema(schema))


def from_arrow(table: pa.Table, schema: FeatureSchema = FEATURE_SCHEMA_V1) -> tuple[FeatureVector, ...]:
    """Read vectors back.

    Raises:
        ContractError: the digest is missing or another, a column's name or type is not the contract's, a key is null,
            or a row breaks the contract.
    """
    digest = (table.schema.metadata or {}).get(DIGEST_KEY, b"absent").decode()
    refuse_foreign_digest(digest, schema, where="Arrow table")
    if not table.schema.equals(arrow_schema(schema)):
        raise ContractError(
            "Arrow table's columns are not those of feature vector "
            f"v{schema.version}: {_first_difference(table.schema, arrow_schema(schema))}"
        )
    for field in KEY_FIELDS:
        if table.column(field.name).null_count:
            raise ContractError(f"Arrow table: {field.name} is null in {table.column(field.name).null_count} row(s)")
    columns = [table.column(name).to_numpy(zero_copy_only=False).astype(np.float32) for name in schema.names]
    rows = np.column_stack(columns) if columns else np.empty((table.num_rows, 0), np.float32)
    starts = table.column("window_start").cast(pa.int64()).to_pylist()
    keys = zip(
        table.column("node").to_pylist(),
        table.column("domain").to_pylist(),
        starts,
        table.column("window_length_ns").to_pylist(),
        strict=True,
    )
    return tuple(
        FeatureVector(
            node=node,
            domain=domain,
            window_start_ns=start,
            window_length_ns=length,
            values=np.ascontiguousarray(rows[index]),
            schema=schema,
        )
        for index, (node, domain, start, length) in enumerate(keys)
    )


def _first_difference(found: pa.Schema, meant: pa.Schema) -> str:
    if found.names != meant.names:
        odd = sorted(set(found.names) ^ set(meant.names))
        return f"names differ ({', '.join(odd) or 'order'})"
    field = next(field for field in meant if not found.field(field.name).equals(field))
    return f"{field.name} is {found.field(field.name).type}, not {field.type}"
