"""A regime model that says the same of every vector."""

from collections.abc import Mapping

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import Threshold
from contracts.vector import FloatArray

QUIET = dict.fromkeys(Axis, 0.1)


class FixedPredictor:
    """Implements ``agent.regime.RegimePredictor``."""

    def __init__(self, probabilities: dict[Axis, float], thresholds: Mapping[Axis, Threshold] | None = None) -> None:
        self._probabilities = probabilities
        self._thresholds = thresholds or {}

    @property
    def thresholds(self) -> Mapping[Axis, Threshold]:
        return self._thresholds

    def probabilities(self, values: FloatArray) -> dict[Axis, float]:
        assert values.shape == (len(FEATURE_SCHEMA_V1),)
        return self._probabilities
