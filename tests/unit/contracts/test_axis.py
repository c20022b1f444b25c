from contracts.axis import AXES, Axis
from contracts.nodestate import AxisProbabilities
from contracts.regime import Regime


def test_the_eight_axes_in_contract_order() -> None:
    assert [axis.value for axis in AXES] == ["llc", "membw", "smt", "frontend", "tlb", "ddio", "upi", "lock"]


def test_every_axis_is_a_regime_and_has_a_probability() -> None:
    assert {regime.value for regime in Regime} == {axis.value for axis in Axis} | {"quiet", "mixed", "unknown"}
    assert tuple(AxisProbabilities.model_fields) == tuple(axis.value for axis in AXES)
