import numpy as np
import pytest

from agent.regime import RegimePredictor, assess
from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import Regime, Threshold
from contracts.vector import FeatureVector
from tests.unit.agent.fixed_predictor import QUIET, FixedPredictor


def vector(present: int = len(FEATURE_SCHEMA_V1)) -> FeatureVector:
    values = np.full(len(FEATURE_SCHEMA_V1), np.nan, dtype=np.float32)
    values[:present] = 0.25
    return FeatureVector(node="n1", domain="socket0", window_start_ns=0, window_length_ns=1, values=values)


@pytest.mark.parametrize(
    ("predictor", "present", "characterised", "regime"),
    [
        (FixedPredictor(QUIET), 30, True, Regime.QUIET),
        (FixedPredictor(QUIET | {Axis.LLC: 0.9}), 30, True, Regime.LLC),
        (FixedPredictor(QUIET | {Axis.LLC: 0.9, Axis.UPI: 0.7}), 30, True, Regime.MIXED),
        (FixedPredictor(QUIET | {Axis.LLC: 0.5}), 30, True, Regime.UNKNOWN),
        (FixedPredictor(QUIET | {Axis.LLC: 0.5}, {Axis.LLC: Threshold(0.1, 0.5)}), 30, True, Regime.LLC),
        (FixedPredictor(QUIET), 9, True, Regime.UNKNOWN),
        (FixedPredictor(QUIET), 30, False, Regime.UNKNOWN),
        (None, 30, True, Regime.UNKNOWN),
    ],
)
def test_the_contracts_rule_decides(
    predictor: RegimePredictor | None, present: int, characterised: bool, regime: Regime
) -> None:
    assert assess(vector(present), characterised=characterised, predictor=predictor).judgement.regime is regime


def test_axes_that_the_model_does_not_judge_stay_open() -> None:
    predictor = FixedPredictor({Axis.LLC: 0.75, Axis.LOCK: float("nan")})
    axes = assess(vector(), characterised=True, predictor=predictor).axes
    assert (axes.llc, axes.lock, axes.membw) == (0.75, None, None)


def test_another_cpu_is_not_even_asked_about() -> None:
    assessment = assess(vector(), characterised=False, predictor=FixedPredictor(QUIET | {Axis.LLC: 0.9}))
    assert assessment.axes.by_axis() == {}
