"""Rows of labelled traces read together: each as the contract reads it, in a quarter of the time.

Three quarters of what a row costs are the numbers of its two vectors. Those of many rows are looked at together; the
contract itself looks at them, row by row, where that does not surely say yes.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from contracts.trace import LabelledTrace
from contracts.vector import FloatArray
from eval.traces.row_check import trace_of
from eval.traces.vectors_together import VectorsTogether

_VECTORS = ["before", "during"]


class PlainTrace(LabelledTrace):
    """A labelled trace whose vectors were held against the contract already.

    Attributes:
        before, during: as ``VectorsTogether.plain``.
    """

    before: Any
    during: Any

    @property
    def before_values(self) -> FloatArray:
        """As a labelled trace has them."""
        return np.frombuffer(self.before, np.float32)

    @property
    def during_values(self) -> FloatArray:
        """As a labelled trace has them."""
        return np.frombuffer(self.during, np.float32)


class RowsTogether:
    """Some rows.

    Args:
        batch: of the columns of labelled trace v1.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._others = batch.drop_columns(_VECTORS).to_pylist()
        self._before, self._during = (VectorsTogether.of_column(batch.column(name)) for name in _VECTORS)
        self._lawful = (self._before.lawful & self._during.lawful).tolist()

    def trace(self, place: int) -> PlainTrace:
        """One row as the contract reads it.

        Raises:
            RowError: it breaks the contract.
        """
        if not self._lawful[place]:
            trace_of(self._batch.slice(place, 1).to_pylist()[0], LabelledTrace)
        vectors = {"before": self._before.plain[place], "during": self._during.plain[place]}
        return trace_of(self._others[place] | vectors, PlainTrace)
