"""The bundle's regime classifier: a calibrated probability an axis."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contracts.axis import Axis
from contracts.bundle import AxisCalibration
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import Threshold
from contracts.vector import FloatArray
from serving.bundle_directory import Bundle
from serving.graph import LoadedGraph

_PRESSED = 1
"""Column of the converted classifier's probabilities: not pressed, pressed."""


class RegimeModel:
    """Judges vectors.

    Raises:
        BundleError: a regime graph of the bundle can't be used.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._calibrations = {calibration.axis: calibration for calibration in bundle.manifest.axis_calibrations}
        self._graphs = {
            graph.axis: LoadedGraph(bundle, graph, columns=FEATURE_SCHEMA_V1.names)
            for graph in bundle.manifest.graphs
            if graph.axis is not None
        }

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes that it judges."""
        return tuple(self._graphs)

    @property
    def thresholds(self) -> Mapping[Axis, Threshold]:
        """Per judged axis."""
        return {
            axis: Threshold(clear=calibration.clear, pressed=calibration.pressed)
            for axis, calibration in self._calibrations.items()
        }

    def probabilities(self, values: FloatArray) -> dict[Axis, float]:
        """Calibrated probability an axis, for one vector of shape ``(len(schema),)`` with NaN for missing."""
        return {axis: float(column[0]) for axis, column in self.probabilities_of(values[None, :]).items()}

    def probabilities_of(self, rows: FloatArray) -> dict[Axis, NDArray[np.float64]]:
        """The same for many vectors.

        Args:
            rows: float32 ``(n, len(schema))``.

        Returns:
            float64 ``(n,)`` an axis, 0 to 1.
        """
        return {
            axis: calibrated(graph.run(rows)[:, _PRESSED], self._calibrations[axis])
            for axis, graph in self._graphs.items()
        }


def calibrated(scores: NDArray[np.float64], calibration: AxisCalibration) -> NDArray[np.float64]:
    """Scores as probabilities: linear between the calibration's points, constant outside."""
    return np.interp(scores, calibration.scores, calibration.probabilities)
