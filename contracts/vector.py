"""Feature vector v1: one per contention domain and window, and its JSON and ONNX forms.

A missing value is NaN in memory and in ONNX, ``null`` in JSON, null in Arrow (``contracts.vector_arrow``); it is never
a zero.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema

FloatArray = NDArray[np.float32]

ONNX_INPUT_NAME = "features"
LARGEST_NS = 2**63 - 1
"""Arrow's timestamps are int64 nanoseconds: they end in the year 2262."""
LONGEST_NODE_NAME = 253
LONGEST_DOMAIN_NAME = 63

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_JSON_TYPES: dict[str, type] = {
    "schema": str,
    "node": str,
    "domain": str,
    "windowStartNs": int,
    "windowLengthNs": int,
    "values": list,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureVector:
    """What one domain showed during one window.

    Attributes:
        node: the Kubernetes node's name, 1 to 253 characters.
        domain: the contention domain within the node: ``socket0``, or ``socket0-snc1`` where sub-NUMA clusters are on;
            1 to 63 characters.
        window_start_ns: start of the window, UTC nanoseconds since 1970.
        window_length_ns: length of the window in nanoseconds, above zero. Its end fits 63 bits.
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
        if not 0 < len(self.node) <= LONGEST_NODE_NAME or not 0 < len(self.domain) <= LONGEST_DOMAIN_NAME:
            raise ContractError(
                f"vector of {self.node[:80]!r}/{self.domain[:80]!r}: it names its node in 1 to {LONGEST_NODE_NAME} "
                f"characters and its domain in 1 to {LONGEST_DOMAIN_NAME}"
            )
        where = f"{self.node}/{self.domain}"
        refuse_foreign_values(self.values, self.schema, where=where)
        if self.window_start_ns < 0 or self.window_length_ns <= 0 or self.window_end_ns > LARGEST_NS:
            raise ContractError(
                f"vector of {where}: window starts at {_number(self.window_start_ns)} ns and lasts "
                f"{_number(self.window_length_ns)} ns; a start is not before 1970, a length is above zero, and the end "
                "fits 63 bits"
            )
        frozen = self.values.copy()
        frozen[frozen == 0.0] = 0.0  # no negative zero: equal vectors have equal bytes
        frozen.flags.writeable = False
        object.__setattr__(self, "values", frozen)

    @property
    def window_end_ns(self) -> int:
        """End of the window, UTC nanoseconds since 1970."""
        return self.window_start_ns + self.window_length_ns

    @property
    def present_count(self) -> int:
        """How many features have a value."""
        return int(np.count_nonzero(~np.isnan(self.values)))

    def value(self, name: str) -> float:
        """One feature by name; NaN where missing.

        Raises:
            ContractError: the schema has no such feature.
        """
        return float(self.values[self.schema.index(name)])

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


def _number(value: int) -> str:
    """An integer that may be absurdly long."""
    return str(value) if value.bit_length() <= 128 else f"a number of {value.bit_length()} bits"


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
            f"vector of {where}: its schema is {str(digest)[:80]}, this reader knows {schema.digest} "
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

    Returns:
        float32, NaN where an entry is ``None``.

    Raises:
        ContractError: an entry is neither a number nor ``None``, or no float32 holds it; says which.
    """
    for index, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ContractError(f"value {index} of the vector is a {type(value).__name__}: a number or null is meant")
        if not abs(value) <= _LARGEST_FLOAT32:
            raise ContractError(f"value {index} of the vector is no float32: write null for a missing value")
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
        ContractError: the text is torn, lacks a key, has one too many or twice, is of another schema, or a value breaks
            the contract.
    """
    document = _json_object(content)
    if document.keys() != _JSON_TYPES.keys():
        lacking, odd = _JSON_TYPES.keys() - document.keys(), document.keys() - _JSON_TYPES.keys()
        raise ContractError(
            f"vector lacks {_listed(lacking)} and has {_listed(odd)} too many; the contract says {_listed(_JSON_TYPES)}"
        )
    for key, kind in _JSON_TYPES.items():
        if not isinstance(document[key], kind) or isinstance(document[key], bool):
            raise ContractError(f"vector: {key} is a {type(document[key]).__name__}, not {kind.__name__}")
    where = f"{document['node'][:LONGEST_NODE_NAME]}/{document['domain'][:LONGEST_DOMAIN_NAME]}"
    refuse_foreign_digest(document["schema"], schema, where=where)
    return FeatureVector(
        node=document["node"],
        domain=document["domain"],
        window_start_ns=document["windowStartNs"],
        window_length_ns=document["windowLengthNs"],
        values=from_json_values(document["values"]),
        schema=schema,
    )


def _json_object(content: bytes | str) -> dict[str, Any]:
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except ContractError:
        raise
    except (ValueError, RecursionError) as error:
        raise ContractError(f"vector is torn or not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ContractError(f"vector is a {type(document).__name__}; the contract says an object")
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ContractError(f"vector has {_listed({key for key in keys if keys.count(key) > 1})} twice")
    return document


def _refuse_constant(name: str) -> float:
    raise ContractError(f"vector holds {name}, which is not JSON: write null for a missing value")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(name[:40] for name in names)[:10]) or "nothing"


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
        ContractError: dtype, width, or a value's range is another.
    """
    if rows.ndim != 2:
        raise ContractError(f"ONNX input has {rows.ndim} dimensions, the contract says 2")
    for index, row in enumerate(rows):
        refuse_foreign_values(row, schema, where=f"ONNX input row {index}")
    return tuple(np.asarray(row, dtype=np.float32) for row in rows)
