"""The bundle's regime classifier: a calibrated probability an axis.

An axis is judged only where the vector has a feature that reveals it. Without one its score is that of any window:
below the threshold, so that it would read as "clear" on a node where nobody can see.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.bundle import AxisCalibration
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import Threshold
from contracts.vector import FloatArray
from serving.bundle_directory import Bundle
from serving.graph import LoadedGraph

_COLUMNS = 2
_PRESSED = 1
"""Of the converted classifier's probabilities: not pressed, pressed."""


REVEALING = np.array([[axis in spec.axes for spec in FEATURE_SCHEMA_V1.features] for axis in AXES])
"""bool ``(len(AXES), len(schema))``, whether a feature reveals an axis."""


class RegimeModel:
    """Judges vectors; any thread may ask.

    Raises:
        BundleError: a regime graph of the bundle can't be used.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._graphs = {
            graph.axis: LoadedGraph(bundle, graph, columns=FEATURE_SCHEMA_V1.names)
            for graph in bundle.manifest.graphs
            if graph.axis is not None
        }
        by_axis = {calibration.axis: calibration for calibration in bundle.manifest.axis_calibrations}
        self._calibrations = {axis: by_axis[axis] for axis in self._graphs}
        self._thresholds = {
            axis: Threshold(clear=calibration.clear, pressed=calibration.pressed)
            for axis, calibration in self._calibrations.items()
        }
        self._revealing = REVEALING[[AXES.index(axis) for axis in self._graphs]]
        self._lock = Lock()
        self._row = np.zeros((1, len(FEATURE_SCHEMA_V1)), dtype=np.float32)
        self._scores = np.zeros((len(self._graphs), 1, _COLUMNS), dtype=np.float32)
        self._runs = [
            graph.bound_to(self._row, scores) for graph, scores in zip(self._graphs.values(), self._scores, strict=True)
        ]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes that it judges."""
        return tuple(self._graphs)

    @property
    def thresholds(self) -> Mapping[Axis, Threshold]:
        """Per judged axis."""
        return self._thresholds

    def probabilities(self, values: FloatArray) -> dict[Axis, float]:
        """Calibrated probability of each axis that can be seen, for one vector ``(len(schema),)``, NaN for missing.

        What ``probabilities_of`` says of that one row, without its arrays: a node asks once a domain and window.
        """
        with self._lock:
            self._row[0] = values
            for run in self._runs:
                run()
            scores = self._scores[:, 0, _PRESSED].tolist()
        seen = (self._revealing @ ~np.isnan(values)).tolist()
        return {
            axis: calibrated_score(score, calibration)
            for score, is_seen, (axis, calibration) in zip(scores, seen, self._calibrations.items(), strict=True)
            if is_seen
        }

    def probabilities_of(self, rows: FloatArray) -> dict[Axis, NDArray[np.float64]]:
        """The same for many vectors.

        Args:
            rows: float32 ``(n, len(schema))``.

        Returns:
            float64 ``(n,)`` an axis, 0 to 1, and NaN where it can't be seen.
        """
        seen = ~np.isnan(rows) @ self._revealing.T
        return {
            axis: np.where(seen[:, index], calibrated(graph.run(rows)[:, _PRESSED], self._calibrations[axis]), np.nan)
            for index, (axis, graph) in enumerate(self._graphs.items())
        }


def calibrated(scores: NDArray[np.float64], calibration: AxisCalibration) -> NDArray[np.float64]:
    """Scores as probabilities: linear between the calibration's points, constant outside."""
    return np.interp(scores, calibration.scores, calibration.probabilities)


def calibrated_score(score: float, calibration: AxisCalibration) -> float:
    """``calibrated`` of one score, to the same digits: for a single number, an array costs more than the sum."""
    scores, probabilities = calibration.scores, calibration.probabilities
    right = bisect_right(scores, score)
    if right == 0:
        return probabilities[0]
    if right == len(scores):
        return probabilities[-1] if score >= scores[-1] else math.nan
    left = right - 1
    slope = (probabilities[right] - probabilities[left]) / (scores[right] - scores[left])
    return slope * (score - scores[left]) + probabilities[left]
