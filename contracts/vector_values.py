"""A feature vector's values as documents carry them: schema order, ``null`` for missing, each exactly a float32."""

from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import from_json_values, refuse_foreign_values, to_json_values

Value = Annotated[
    float,
    Field(
        ge=min(spec.minimum for spec in FEATURE_SCHEMA_V1.features),
        le=max(spec.maximum for spec in FEATURE_SCHEMA_V1.features),
    ),
]


def _as_float32(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    """Each value the shortest decimal of its float32, so that documents survive Arrow and ONNX unchanged."""
    array = from_json_values(values)
    refuse_foreign_values(array, FEATURE_SCHEMA_V1, where="document")
    return tuple(to_json_values(array))


VectorValues = Annotated[
    tuple[Value | None, ...],
    Field(min_length=len(FEATURE_SCHEMA_V1), max_length=len(FEATURE_SCHEMA_V1)),
    AfterValidator(_as_float32),
]
"""``len(schema)`` values, each within its own feature's range."""
