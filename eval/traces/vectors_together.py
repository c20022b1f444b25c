"""Vectors of many rows looked at together: which of them are surely lawful, and what each says, as bytes.

This way only ever says yes. A vector that is not surely lawful is left to the contract, which takes it or says what is
wrong: slower by ten times.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FloatArray

_WIDTH = len(FEATURE_SCHEMA_V1)
_MINIMA = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features])
_MAXIMA = np.array([spec.maximum for spec in FEATURE_SCHEMA_V1.features])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorsTogether:
    """Some vectors.

    Attributes:
        lawful: bool ``(n,)``, whether each is surely lawful.
        plain: each one's values as bytes of float32; equal vectors give equal bytes, by one NaN and one zero.
    """

    lawful: NDArray[np.bool_]
    plain: tuple[bytes, ...]

    @classmethod
    def of_column(cls, column: pa.FixedSizeListArray) -> Self:
        """Vectors of labelled traces, a list each, in which a missing value is null and NaN is none."""
        flat = column.values.slice(column.offset * _WIDTH, len(column) * _WIDTH)
        values = flat.to_numpy(zero_copy_only=False).reshape(-1, _WIDTH)
        nulls = flat.is_null().to_numpy(zero_copy_only=False).reshape(-1, _WIDTH)
        numbers = np.all(np.isnan(values) == nulls, axis=1)
        return cls(
            lawful=within_ranges(values) & numbers & column.is_valid().to_numpy(zero_copy_only=False),
            plain=plain_values(values),
        )


def within_ranges(values: FloatArray) -> NDArray[np.bool_]:
    """Bool ``(n,)``: which rows of float32 ``(n, features)`` have no value outside its feature's range."""
    outside: NDArray[np.bool_] = np.any((values < _MINIMA) | (values > _MAXIMA), axis=1)
    return ~outside


def plain_values(values: FloatArray) -> tuple[bytes, ...]:
    """Each row of float32 ``(n, features)`` as bytes; equal vectors give equal bytes, by one NaN and one zero."""
    plain = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0.0))
    return tuple(row.tobytes() for row in plain)
