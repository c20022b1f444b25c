"""Windows of a dataset: several victims may have been measured in one, and all carry its vector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.trace import LabelledTrace
from contracts.vector import FloatArray
from pipelines.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Each window once.

    Attributes:
        traces: one row of each window.
        row: int ``(windows,)``, where that row stands in the dataset.
        vectors: float32 ``(windows, len(schema))``, during the window, NaN for missing.
    """

    traces: tuple[LabelledTrace, ...]
    row: NDArray[np.intp]
    vectors: FloatArray


def windows_of(traces: Sequence[LabelledTrace]) -> Windows:
    """The windows behind some rows, in order of their first row.

    Raises:
        DataError: two rows of one window carry different vectors, parties or stressors.
    """
    first: dict[tuple[str, str, str, int], int] = {}
    for index, trace in enumerate(traces):
        key = (trace.campaign, trace.node, trace.domain, trace.window_start_ns)
        earlier = traces[first.setdefault(key, index)]
        if earlier.during != trace.during or earlier.injected != trace.injected or earlier.groups != trace.groups:
            raise DataError(
                f"rows {first[key]} and {index} are of one window ({'/'.join(map(str, key))}) and disagree on its "
                "vector, its parties or its stressors: write the campaign again"
            )
    row = np.array(list(first.values()), dtype=np.intp)
    kept = tuple(traces[index] for index in row)
    return Windows(traces=kept, row=row, vectors=np.stack([trace.during_values for trace in kept]))
