"""From a feature vector to the axes' probabilities and the domain's regime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from agent.hysteresis import Hysteresis
from contracts.axis import Axis
from contracts.nodestate import PROBABILITY_DECIMALS, AxisProbabilities
from contracts.regime import Judgement, Threshold, judge
from contracts.vector import FeatureVector, FloatArray


class RegimePredictor(Protocol):
    """A regime model, however it was loaded."""

    @property
    def thresholds(self) -> Mapping[Axis, Threshold]:
        """Per axis; the contract's default where absent."""

    def probabilities(self, values: FloatArray) -> dict[Axis, float]:
        """Calibrated probability an axis, for one vector of shape ``(len(schema),)`` with NaN for missing.

        Raises:
            BundleError: the model does not run.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was made of one vector."""

    probabilities: Mapping[Axis, float]
    judgement: Judgement

    @property
    def axes(self) -> AxisProbabilities:
        """As NodeState carries them: ``None`` where the model does not judge an axis."""
        return AxisProbabilities(
            **{axis.value: value for axis, value in self.probabilities.items() if not np.isnan(value)}
        )


def assess(
    vector: FeatureVector,
    *,
    characterised: bool,
    predictor: RegimePredictor | None,
    hysteresis: Hysteresis | None = None,
) -> Assessment:
    """Judge one vector; without a predictor, or on another CPU, the regime is unknown and no axis has a probability.

    The regime is that of the probabilities as they are published, rounded, so that whoever applies the contract's rule
    to them again gets the same.

    Args:
        vector: the domain's window.
        characterised: whether the models were made for this CPU.
        predictor: the bundle's regime model, if there is a bundle.
        hysteresis: how the domain stood in the window before, where windows follow one another.
    """
    probabilities: Mapping[Axis, float] = {}
    thresholds = predictor.thresholds if predictor is not None else {}
    if predictor is not None and characterised:
        probabilities = predictor.probabilities(vector.values)
    if hysteresis is not None:
        probabilities = hysteresis.settled(vector.domain, probabilities, thresholds)
    probabilities = {axis: round(value, PROBABILITY_DECIMALS) for axis, value in probabilities.items()}
    judgement = judge(
        probabilities,
        present_features=int(np.count_nonzero(~np.isnan(vector.values))),
        characterised=characterised,
        thresholds=thresholds,
    )
    return Assessment(probabilities=probabilities, judgement=judgement)
