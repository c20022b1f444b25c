"""Feature vector v1: one per contention domain and window, and its JSON and ONNX forms.

A missing value is NaN in memory and in ONNX, ``null`` in JSON, null in Arrow (``contracts.vector_arrow``); it is never
a zero.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema

FloatArray = NDArray[np.float32]

ONNX_INPUT_NAME = "features"
_JSON_KEYS = frozenset({"schema", "node", "domain", "windowStartNs", "windowLengthNs", "values"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureVector:
    """What one domain showed during one window.

    Attributes:
        node: the Kubernetes node's name.
        domain: the contention domain within the node: ``socket0``, or ``socket0-snc1`` where sub-NUMA clusters are on.
        window_start_ns: start of the window, UTC nanoseconds since 1970.
        window_length_ns: length of the window in nanoseconds, above zero.
        values: float32 of shape ``(len(schema),)``, read-only, NaN where missing.
        schema: the schema the values are of.

    Raises:
        ContractError: dtype, length, window, a name, or a value's range breaks the contract.
    """

    node: str
    domain: str
    window_start_ns: int
    window_length_ns: int
    values: FloatArray
    schema: FeatureSchema = FEATURE_SCHEMA_V1

    def __post_init__(self) -> None:
        refuse_foreign_values(self.values, self.schema, where=f"{self.node}/{self.domain}")
        if not self.node or not self.domain:
            raise ContractError("a vector names its node and its domain")
        if self.window_start_ns < 0 or self.window_length_ns <= 0:
            raise ContractError(
                f"vector of {self.node}/{self.domain}: window starts at {self.window_start_ns} ns and lasts "
                f"{self.window_length_ns} ns; a start is not before 1970 and a length is above zero"
            )
        frozen = self.values.copy()
        frozen.flags.writeable = False
        object.__setattr__(self, "values", frozen)

    @property
    def window_end_ns(self) -> int:
        return self.window_start_ns + self.window_length_ns

    @property
    def present_count(self) -> int:
        """How many features have a value."""
        return int(np.count_nonzero(~np.isnan(self.values)))

    def value(self, name: str) -> float:
        """One feature by name; NaN where missing."""
        return float(self.values[self.schema.names.index(name)])

    def _key(self) -> tuple[str, str, int, int, str]:
        return (
            self.node,
            self.domain,
            self.window_start_ns,
            self.window_length_ns,
            self.schema.digest,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureVector):
            return NotImplemented
        return self._key() == other._key() and np.array_equal(self.values, other.values, equal_nan=True)

    def __hash__(self) -> int:
        return hash(self._key())


def refuse_foreign_values(values: object, schema: FeatureSchema, *, where: str) -> None:
    """Refuse values that are not of ``schema``: another type, dtype, shape, or a value outside its range.

    Raises:
        ContractError: says which of these it was, and where.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.float32:
        found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise ContractError(f"vector of {where}: values are {found}, the contract says an array of float32")
    if values.shape != (len(schema),):
        raise ContractError(
            f"vector of {where}: values have shape {values.shape}, the schema has {len(schema)} features"
        )
    for spec, value in zip(schema.features, values.tolist(), strict=True):
        if value < np.float32(spec.minimum) or value > np.float32(spec.maximum):
            raise ContractError(f"vector of {where}: {spec.name} is {value}, outside [{spec.minimum}, {spec.maximum}]")


def refuse_foreign_digest(digest: object, schema: FeatureSchema, *, where: str) -> None:
    """Refuse a digest that is not the schema's.

    Raises:
        ContractError: names both digests.
    """
    if digest != schema.digest:
        raise ContractError(
            f"vector of {where}: its schema is {digest}, this reader knows {schema.digest} "
            f"(feature vector v{schema.version}): upgrade the older of writer and reader"
        )


def from_counts(counts: Mapping[str, float], schema: FeatureSchema = FEATURE_SCHEMA_V1) -> FloatArray:
    """Compute all features from scaled counts summed over a domain.

    Args:
        counts: event name to count over the window; an event that could not be counted is absent or NaN.

    Returns:
        float32 of shape ``(len(schema),)``, NaN where missing.
    """
    return np.array([spec.value(counts) for spec in schema.features], dtype=np.float32)


def to_json_values(values: FloatArray) -> list[float | None]:
    """Values in schema order with ``None`` for missing, each the shortest decimal that float32 reads back."""
    return [None if np.isnan(value) else float(str(value)) for value in values]


def from_json_values(values: Sequence[float | None]) -> FloatArray:
    """The inverse of ``to_json_values``.

    Raises:
        ContractError: an entry is neither a number nor ``None``.
    """
    for index, value in enumerate(values):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not is_number:
            raise ContractError(f"value {index} of the vector is {value!r}: a number or null is meant")
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def to_json(vector: FeatureVector) -> bytes:
    """One vector as a JSON object without line breaks."""
    return json.dumps(
        {
            "schema": vector.schema.digest,
            "node": vector.node,
            "domain": vector.domain,
            "windowStartNs": vector.window_start_ns,
            "windowLengthNs": vector.window_length_ns,
            "values": to_json_values(vector.values),
        },
        separators=(",", ":"),
        allow_nan=False,
    ).encode()


def from_json(content: bytes | str, schema: FeatureSchema = FEATURE_SCHEMA_V1) -> FeatureVector:
    """Read one vector.

    Raises:
        ContractError: the text is torn, lacks a key, has one too many, or is of another schema.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ContractError(f"vector is torn or not JSON: {error}") from error
    if not isinstance(document, dict) or document.keys() != _JSON_KEYS:
        found = sorted(document) if isinstance(document, dict) else type(document).__name__
        raise ContractError(f"vector has {found}; the contract says {sorted(_JSON_KEYS)}")
    where = f"{document['node']}/{document['domain']}"
    refuse_foreign_digest(document["schema"], schema, where=where)
    for key, kind in (
        ("node", str),
        ("domain", str),
        ("values", list),
        ("windowStartNs", int),
        ("windowLengthNs", int),
    ):
        if not isinstance(document[key], kind) or isinstance(document[key], bool):
            raise ContractError(f"vector of {where}: {key} is {type(document[key]).__name__}, not {kind.__name__}")
    return FeatureVector(
        node=document["node"],
        domain=document["domain"],
        window_start_ns=document["windowStartNs"],
        window_length_ns=document["windowLengthNs"],
        values=from_json_values(document["values"]),
        schema=schema,
    )


def to_onnx_input(vectors: Sequence[FeatureVector], schema: FeatureSchema = FEATURE_SCHEMA_V1) -> FloatArray:
    """Rows in the order that every exported graph expects.

    Returns:
        C-contiguous float32 of shape ``(len(vectors), len(schema))``, NaN where missing.

    Raises:
        ContractError: a vector is of another schema.
    """
    for vector in vectors:
        refuse_foreign_digest(vector.schema.digest, schema, where=f"{vector.node}/{vector.domain}")
    rows = np.empty((len(vectors), len(schema)), dtype=np.float32)
    for index, vector in enumerate(vectors):
        rows[index] = vector.values
    return rows


def from_onnx_input(rows: NDArray[np.generic], schema: FeatureSchema = FEATURE_SCHEMA_V1) -> tuple[FloatArray, ...]:
    """The values of each row, checked: the inverse of ``to_onnx_input`` as far as ONNX carries a vector.

    Raises:
        ContractError: dtype or width is another.
    """
    if rows.ndim != 2:
        raise ContractError(f"ONNX input has {rows.ndim} dimensions, the contract says 2")
    for index, row in enumerate(rows):
        refuse_foreign_values(row, schema, where=f"ONNX input row {index}")
    return tuple(np.asarray(row, dtype=np.float32) for row in rows)
