"""From windows to feature vectors by the contract's own formulas, and why what is missing is missing."""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from contracts.features import CLAMP_TOLERANCE, FEATURE_SCHEMA_V1, FeatureSpec
from contracts.formula import Node, evaluate, events_of, parse
from contracts.vector import FeatureVector, FloatArray
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.windows import Window

NOT_IN_THE_TABLE = "not in the table"
NOT_MEASURED = "not measured in the window"
NO_QUOTIENT = "a quotient by zero"
OUT_OF_RANGE = "outside its range"


class Vectors:
    """Makes vectors, and counts what they lack.

    Attributes:
        missing: vectors that lack a feature, by feature and reason.
        present: vectors that have it, by feature.
    """

    def __init__(self, mapping: MappingFile) -> None:
        self.missing: Counter[tuple[str, str]] = Counter()
        self.present: Counter[str] = Counter()
        self._node = mapping.node
        self._events = {name: parse(text) for name, text in mapping.events.items()}
        self._features = {name: parse(text) for name, text in mapping.features.items()}

    def vector(self, window: Window) -> FeatureVector:
        """The vector of a window."""
        values = self.values(window.amounts, seconds=window.length_ns / 1e9)
        return FeatureVector(
            node=self._node.name,
            domain=window.domain,
            window_start_ns=window.start_ns,
            window_length_ns=window.length_ns,
            values=values,
        )

    def values(self, amounts: Mapping[str, float], *, seconds: float) -> FloatArray:
        """The features of amounts over some time: float32 ``(len(schema),)``, NaN for missing."""
        ceilings = {**self._node.ceilings, "NODE.WINDOW_SECONDS": seconds}
        counted = {name: formula for name, formula in self._events.items() if events_of(formula) <= amounts.keys()}
        counts = {**ceilings, **{name: _count(formula, amounts) for name, formula in counted.items()}}
        values = [self._value(spec, counts, amounts) for spec in FEATURE_SCHEMA_V1.features]
        return np.array(values, dtype=np.float32)

    def _value(self, spec: FeatureSpec, counts: Mapping[str, float], amounts: Mapping[str, float]) -> float:
        own = self._features.get(spec.name)
        known = {**counts, **amounts} if own is not None else counts
        formulas = (own,) if own is not None else spec.formulas
        complete = [
            formula
            for formula in formulas
            if all(not math.isnan(known.get(name, math.nan)) for name in events_of(formula))
        ]
        if not complete:
            stated = any(events_of(formula) <= known.keys() for formula in formulas)
            self.missing[spec.name, NOT_MEASURED if stated else NOT_IN_THE_TABLE] += 1
            return math.nan
        raw = evaluate(complete[0], known)
        value = within_range(raw, spec)
        if math.isnan(value):
            self.missing[spec.name, NO_QUOTIENT if math.isnan(raw) else OUT_OF_RANGE] += 1
        else:
            self.present[spec.name] += 1
        return value


def within_range(value: float, spec: FeatureSpec) -> float:
    """The contract's rule for a value: noise just outside the range is clamped, what lies further out is missing."""
    slack = CLAMP_TOLERANCE * (spec.maximum - spec.minimum)
    if not spec.minimum - slack <= value <= spec.maximum + slack:
        return math.nan
    return min(max(value, spec.minimum), spec.maximum)


def _count(formula: Node, amounts: Mapping[str, float]) -> float:
    """An event's count; below zero it is no count, as where a rounded part exceeds its rounded whole."""
    value = evaluate(formula, amounts)
    return value if value >= 0.0 else math.nan
