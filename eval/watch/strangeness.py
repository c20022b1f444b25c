"""How strange vectors are, and whether the latest are stranger than chance: an inductive conformal test martingale.

A *reference* says of each feature where its middle half lies. A vector's strangeness is by how many half widths its
features lie off the middle, in the mean. A day's strangeness is the mean over its nodes. After the reference some days
calibrate; then each day's rank among all before it, the calibration's among them, is its p-value. As long as days are
exchangeable these p-values are independent and uniform (Vovk, Gammerman and Shafer, "Algorithmic learning in a random
world", 2nd edition 2022, section 8.1), so that they can be bet against.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import model_validator

from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document
from contracts.vector import FloatArray, from_json_values, to_json_values
from contracts.vector_values import VectorValues
from eval.watch.betting import DoubleArray

FARTHEST = 8.0
"""In half widths: a feature beyond this is as strange as it can be, so that no single one decides."""

_NARROWEST = 0.01
"""Of a feature's lawful range: noise below this is no news."""

_WIDTHS = np.array([spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features])


class Reference(Document):
    """The middle of each feature and half the width of its middle half, in the schema's order; ``None`` where the
    reference's vectors had no value."""

    middles: VectorValues
    half_widths: VectorValues

    @model_validator(mode="after")
    def _is_of_both(self) -> Self:
        if [value is None for value in self.middles] != [value is None for value in self.half_widths]:
            raise ValueError("a feature of the reference has a middle and no width, or a width and no middle")
        return self


def reference_of(vectors: FloatArray) -> Reference:
    """The reference of some vectors.

    Args:
        vectors: float32 ``(n, len(schema))``, NaN for missing; one at least.
    """
    seen = ~np.isnan(vectors).all(axis=0)
    quartiles = np.full((3, vectors.shape[1]), np.nan)
    quartiles[:, seen] = np.nanquantile(vectors[:, seen].astype(np.float64), (0.25, 0.5, 0.75), axis=0)
    widths = np.where(seen, np.maximum((quartiles[2] - quartiles[0]) / 2.0, _NARROWEST * _WIDTHS), np.nan)
    return Reference(
        middles=tuple(to_json_values(quartiles[1].astype(np.float32))),
        half_widths=tuple(to_json_values(widths.astype(np.float32))),
    )


def strangeness(vectors: FloatArray, reference: Reference) -> DoubleArray:
    """Of each vector; NaN of one that shares no feature with the reference.

    Args:
        vectors: float32 ``(n, len(schema))``, NaN for missing.

    Returns:
        float64 ``(n,)``, 0 to ``FARTHEST``.
    """
    middles, widths = from_json_values(reference.middles), from_json_values(reference.half_widths)
    off = np.minimum(np.abs(vectors - middles) / widths, FARTHEST).astype(np.float64)
    shared = (~np.isnan(off)).sum(axis=1)
    return np.where(shared > 0, np.nansum(off, axis=1) / np.maximum(shared, 1), np.nan)


def p_value(score: float, before: Sequence[float]) -> float:
    """The share of scores that are at least as strange, this one among them: above 0, up to 1.

    Ties count against it, so that it errs upwards and needs no random draw.
    """
    at_least = int(np.count_nonzero(np.asarray(before, dtype=np.float64) >= score))
    return (at_least + 1) / (len(before) + 1)
