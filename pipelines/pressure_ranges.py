"""How far a pressure may go before a bound is no longer believed.

Trees are flat beyond what they saw. A little beyond, that is near enough, the more so as they never fall in a pressure;
far beyond, nobody has seen what happens, and the bound is the ceiling.
"""

import numpy as np

from contracts.axis import Axis
from contracts.bundle import ColumnRange
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FloatArray
from serving.interference_row import PRESSURE_COLUMNS, PRESSURE_FEATURE, column_index


def pressure_ranges(rows: FloatArray, *, slack: float) -> tuple[ColumnRange, ...]:
    """What training saw of each pressure, widened upwards; of one that it never saw, nothing but zero.

    Args:
        rows: float32 ``(n, len(INTERFERENCE_COLUMNS))``.
        slack: share of a feature's whole range by which its highest value may be exceeded, 0 to 1. The number of
            co-runners may not be exceeded.
    """
    pressures = rows[:, column_index(PRESSURE_COLUMNS)]
    unseen = np.isnan(pressures).all(axis=0)
    seen = np.where(unseen, np.float32(0.0), pressures)
    widened = np.nanmax(seen, axis=0) + np.where(unseen, 0.0, slack * np.array([_width(c) for c in PRESSURE_COLUMNS]))
    return tuple(
        ColumnRange(column=column, minimum=float(low), maximum=float(high))
        for column, low, high in zip(PRESSURE_COLUMNS, np.nanmin(seen, axis=0), widened, strict=True)
    )


def _width(column: str) -> float:
    """Of the range of the feature behind a pressure column; zero for a count."""
    part, _, name = column.partition(".")
    if column == "others.count":
        return 0.0
    feature = name if part == "domain" else PRESSURE_FEATURE[Axis(name.rpartition(".")[2])]
    spec = FEATURE_SCHEMA_V1.features[FEATURE_SCHEMA_V1.index(feature)]
    return spec.maximum - spec.minimum
