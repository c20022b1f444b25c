import numpy as np
import pytest

from contracts.axis import Axis
from pipelines.pressure_ranges import pressure_ranges
from serving.interference_row import INTERFERENCE_COLUMNS, PRESSURE_COLUMNS


def rows(**columns: list[float]) -> np.ndarray:
    matrix = np.zeros((2, len(INTERFERENCE_COLUMNS)), dtype=np.float32)
    for name, values in columns.items():
        matrix[:, INTERFERENCE_COLUMNS.index(name.replace("__", "."))] = values
    return matrix


def test_a_pressure_may_go_beyond_what_was_seen_by_a_share_of_its_features_range() -> None:
    seen = rows(
        domain__dram_utilisation=[0.2, 0.5],
        others__highest__lock=[1.0, 2.0],
        others__count=[1.0, 4.0],
        domain__upi_utilisation=[np.nan, np.nan],
    )
    ranges = {entry.column: entry for entry in pressure_ranges(seen, slack=0.1)}
    assert tuple(ranges) == PRESSURE_COLUMNS
    assert ranges["domain.dram_utilisation"].minimum == pytest.approx(0.2)
    assert ranges["domain.dram_utilisation"].maximum == pytest.approx(0.6)
    assert ranges[f"others.highest.{Axis.LOCK}"].maximum == pytest.approx(2.7)  # lock_loads ranges over 0 to 7
    assert ranges["others.count"].maximum == 4.0
    assert ranges["domain.upi_utilisation"].maximum == 0.0
