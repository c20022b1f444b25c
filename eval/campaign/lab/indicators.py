"""Indicators as a lab's Prometheus gave them: ``indicators.csv``, one value a line."""

import bisect
import math
from collections.abc import Mapping
from pathlib import Path

from contracts.vector import FeatureVector
from eval.campaign.lab.schedule import rows_of, time_ns

INDICATORS_FILE = "indicators.csv"
INDICATOR_COLUMNS = ("node", "domain", "workload", "time", "value")


class Indicators:
    """Values by node, domain and workload; a value's time is the end of what it was measured over.

    Args:
        file: of the values, in any order.
        tolerance_ns: how far a value's time may lie from a window's end.

    Raises:
        CampaignError: it is missing, or a line is refused.
    """

    def __init__(self, file: Path, *, tolerance_ns: int) -> None:
        self._tolerance_ns = tolerance_ns
        self._values: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
        for key, time, value in rows_of(file, INDICATOR_COLUMNS, _value):
            self._values.setdefault(key, []).append((time, value))
        for values in self._values.values():
            values.sort()

    def of(self, workload: str, window: FeatureVector) -> float | None:
        """The value whose time lies nearest to the window's end; ``None`` where none is near enough."""
        values = self._values.get((window.node, window.domain, workload), [])
        end_ns = window.window_end_ns
        place = bisect.bisect_left(values, (end_ns, -math.inf))
        near = [(abs(time - end_ns), value) for time, value in values[max(0, place - 1) : place + 1]]
        if not near:
            return None
        distance_ns, value = min(near)
        return value if distance_ns <= self._tolerance_ns else None


def _value(row: Mapping[str, str]) -> tuple[tuple[str, str, str], int, float]:
    value = float(row["value"])
    if not math.isfinite(value) or value < 0.0:
        raise ValueError(
            f"the value is {row['value']}: a number of 0 or more is meant; leave out what was not measured, and give "
            "histograms a bucket above the worst latency"
        )
    return (row["node"], row["domain"], row["workload"]), time_ns(row["time"]), value
