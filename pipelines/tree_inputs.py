"""What the trees of an interference model see of a row: pressures without holes, and a victim's answers to them.

Trees send a missing value down a branch that nothing holds to a rising bound: where few rows lack a pressure, a node
without its counter may look quieter than a quiet one that has it. So nothing is missing when trees are reached. A
domain's pressure that nobody counted is the median of those in training; a sensitivity that nobody probed, and a
co-runner's pressure, are the highest in training.

An answer is how much slower a victim became when an axis was pressed fully, times how fully its co-runners press it. It
rises in both, so a model that rises in answers rises in pressures. Nothing here goes over workloads: the last two
columns go over the axes of one victim.
"""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.vector import FloatArray
from serving.interference_row import (
    DOMAIN_PRESSURES,
    INTERFERENCE_COLUMNS,
    PRESSURE_COLUMNS,
    RISING_COLUMNS,
    column_index,
)

SENSITIVITIES = column_index([f"victim.sensitivity.{axis}" for axis in AXES])
"""Columns that are all missing where a victim was never probed."""

HIGHEST = column_index([f"others.highest.{axis}" for axis in AXES])

OWN_PRESSURES = tuple(f"victim.pressure.{axis}" for axis in AXES)

COUNTERS_COLUMNS = (*PRESSURE_COLUMNS, *OWN_PRESSURES)
"""Of a row, what is seen of a victim whose counters alone are known. The domain's other features tell workloads apart
without pressing anybody."""

PROBED_COLUMNS = RISING_COLUMNS
"""Of a row, what is seen of a probed victim; its answers stand behind."""

ANSWER_COLUMNS = (*(f"answer.{axis}" for axis in AXES), "answer.highest", "answer.all_axes")

COUNTERS_INDEX = column_index(COUNTERS_COLUMNS)
PROBED_INDEX = column_index(PROBED_COLUMNS)

MONOTONE_COUNTERS = tuple(int(column in RISING_COLUMNS) for column in COUNTERS_COLUMNS)
"""+1 where a higher value never lowers the slowdown, 0 where the model is free."""

MONOTONE_PROBED = (1,) * (len(PROBED_COLUMNS) + len(ANSWER_COLUMNS))

_TYPICAL = frozenset(column_index([*(f"domain.{name}" for name in DOMAIN_PRESSURES), *OWN_PRESSURES]).tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreeInputs:
    """How rows are made ready, as one fit's own rows say; export writes the same into the graph, to the same bits.

    Attributes:
        stand_ins: float32 ``(len(INTERFERENCE_COLUMNS),)``, what stands in for a missing value.
        full: float32 ``(len(AXES),)``, the reciprocal of the pressure of co-runners that presses an axis fully.
    """

    stand_ins: FloatArray
    full: FloatArray

    @classmethod
    def of(cls, rows: FloatArray) -> "TreeInputs":
        """From the rows of a fit, float32 ``(n, len(INTERFERENCE_COLUMNS))``; zero for what they never say."""
        known = ~np.isnan(rows)
        filled = np.where(known.any(axis=0), rows, np.float32(0.0))
        typical = np.nanmedian(filled, axis=0)
        chosen = [index in _TYPICAL for index in range(len(INTERFERENCE_COLUMNS))]
        stand_ins = np.where(chosen, typical, np.nanmax(filled, axis=0)).astype(np.float32)
        most = stand_ins[HIGHEST]
        full = np.where(most > 0.0, np.float32(1.0) / np.where(most > 0.0, most, np.float32(1.0)), np.float32(0.0))
        return cls(stand_ins=stand_ins, full=full.astype(np.float32))

    def of_counters(self, rows: FloatArray) -> FloatArray:
        """float32 ``(n, len(COUNTERS_COLUMNS))``, nothing missing."""
        return self._filled(rows)[:, COUNTERS_INDEX]

    def of_probed(self, rows: FloatArray) -> FloatArray:
        """float32 ``(n, len(PROBED_COLUMNS) + len(ANSWER_COLUMNS))``, nothing missing."""
        filled = self._filled(rows)
        one = np.float32(1.0)
        excess = np.maximum(filled[:, SENSITIVITIES], one) - one
        answers = excess * np.clip(filled[:, HIGHEST] * self.full, np.float32(0.0), one)
        all_axes = answers[:, 0]
        for column in answers.T[1:]:
            all_axes = all_axes + column
        return np.column_stack([filled[:, PROBED_INDEX], answers, answers.max(axis=1), all_axes]).astype(np.float32)

    def to_json(self) -> str:
        """As a text that ``from_json`` reads back to the same bits."""
        return json.dumps({"full": self.full.tolist(), "stand_ins": self.stand_ins.tolist()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "TreeInputs":
        """The inverse of ``to_json``."""
        said: dict[str, list[float]] = json.loads(text)
        return cls(stand_ins=_floats(said["stand_ins"]), full=_floats(said["full"]))

    def _filled(self, rows: FloatArray) -> FloatArray:
        return np.where(np.isnan(rows), self.stand_ins, rows).astype(np.float32)


def _floats(values: list[float]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)
