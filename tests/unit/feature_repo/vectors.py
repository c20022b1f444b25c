"""Vectors whose values say which they are."""

import numpy as np
from hypothesis import Phase

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, FloatArray

SECOND_NS = 1_000_000_000
DAY_START_NS = 1_772_323_200 * SECOND_NS
"""2026-03-01T00:00:00Z."""

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Each example costs a store or a join: shrinking a failure would take its five minutes, and the examples are small."""

_MINIMA = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features], np.float32)
_MAXIMA = np.array([spec.maximum for spec in FEATURE_SCHEMA_V1.features], np.float32)


def random_values(seed: int, *, missing: float = 0.2) -> FloatArray:
    """Values within their ranges, a share of them missing."""
    generator = np.random.default_rng(seed)
    values = _MINIMA + (_MAXIMA - _MINIMA) * generator.random(len(_MINIMA), dtype=np.float32)
    values = np.clip(values, _MINIMA, _MAXIMA)
    values[generator.random(len(values)) < missing] = np.nan
    return values


def vector(
    start_seconds: float = 0,
    *,
    node: str = "node-a",
    domain: str = "socket0",
    length_ns: int = 10 * SECOND_NS,
    seed: int | None = None,
) -> FeatureVector:
    """A vector whose window starts so long after 2026-03-01; its start is its values' seed unless one is given."""
    start_ns = DAY_START_NS + round(start_seconds * SECOND_NS)
    return FeatureVector(
        node=node,
        domain=domain,
        window_start_ns=start_ns,
        window_length_ns=length_ns,
        values=random_values(start_ns if seed is None else seed),
    )
