import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES, Axis
from contracts.errors import ContractError
from contracts.regime import MINIMUM_PRESENT_FEATURES, Regime, Threshold, judge

QUIET = dict.fromkeys(AXES, 0.0)
probabilities = st.dictionaries(st.sampled_from(AXES), st.floats(0.0, 1.0) | st.just(math.nan))


def regime(changes: Mapping[Axis, float], *, present: int = 20, characterised: bool = True) -> Regime:
    return judge({**QUIET, **changes}, present_features=present, characterised=characterised).regime


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Regime.QUIET),
        ({Axis.LLC: 0.4}, Regime.QUIET),
        ({Axis.LLC: 0.41}, Regime.UNKNOWN),
        ({Axis.LLC: 0.59}, Regime.UNKNOWN),
        ({Axis.LLC: 0.6}, Regime.LLC),
        ({Axis.LLC: 1.0, Axis.DDIO: 0.5}, Regime.UNKNOWN),
        ({Axis.LLC: 0.9, Axis.DDIO: 0.6}, Regime.MIXED),
        ({Axis.LLC: 0.9, Axis.DDIO: 0.9, Axis.SMT: 0.5}, Regime.MIXED),
        ({Axis.LLC: math.nan}, Regime.QUIET),
        ({Axis.LLC: math.nan, Axis.UPI: 0.9}, Regime.UPI),
    ],
)
def test_the_rule(changes: dict[Axis, float], expected: Regime) -> None:
    assert regime(changes) is expected


@pytest.mark.parametrize("axis", AXES)
def test_one_pressed_axis_gives_its_name(axis: Axis) -> None:
    assert regime({axis: 0.9}).value == axis.value


def test_nobody_can_tell() -> None:
    pressed = {Axis.LLC: 0.9}
    assert regime(pressed, present=MINIMUM_PRESENT_FEATURES) is Regime.LLC
    assert regime(pressed, present=MINIMUM_PRESENT_FEATURES - 1) is Regime.UNKNOWN
    assert regime(pressed, characterised=False) is Regime.UNKNOWN
    assert judge({}, present_features=20, characterised=True).regime is Regime.UNKNOWN
    assert judge(dict.fromkeys(AXES, math.nan), present_features=20, characterised=True).regime is Regime.UNKNOWN


def test_the_axes_stay_visible_behind_one_word() -> None:
    judged = judge({**QUIET, Axis.LOCK: 0.9, Axis.LLC: 0.9, Axis.SMT: 0.5}, present_features=20, characterised=True)
    assert (judged.regime, judged.pressed, judged.undecided) == (Regime.MIXED, (Axis.LLC, Axis.LOCK), (Axis.SMT,))


def test_an_axis_may_have_thresholds_of_its_own() -> None:
    judged = judge(
        {**QUIET, Axis.TLB: 0.3},
        present_features=20,
        characterised=True,
        thresholds={Axis.TLB: Threshold(clear=0.1, pressed=0.2)},
    )
    assert judged.regime is Regime.TLB


@given(probabilities)
def test_more_pressure_never_makes_a_domain_quieter(given_probabilities: dict[Axis, float]) -> None:
    before = judge(given_probabilities, present_features=20, characterised=True)
    for axis, probability in given_probabilities.items():
        if not math.isnan(probability):
            after = judge({**given_probabilities, axis: 1.0}, present_features=20, characterised=True)
            assert set(before.pressed) <= set(after.pressed)
            assert after.regime is not Regime.QUIET


@given(probabilities, st.floats(0.0, 1.0))
def test_an_undecided_axis_could_be_read_either_way(given_probabilities: dict[Axis, float], reading: float) -> None:
    """Whatever the undecided axes turn out to be, a regime that was given stands."""
    before = judge(given_probabilities, present_features=20, characterised=True)
    decided = {**given_probabilities, **dict.fromkeys(before.undecided, 0.0 if reading < 0.5 else 1.0)}
    after = judge(decided, present_features=20, characterised=True)
    if before.regime is not Regime.UNKNOWN:
        assert after.regime is before.regime


@pytest.mark.parametrize("probability", [-0.01, 1.01, math.inf])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ContractError, match=r"probability of ddio is .*, outside \[0, 1\]"):
        regime({Axis.DDIO: probability})


@pytest.mark.parametrize(("clear", "pressed"), [(-0.1, 0.5), (0.6, 0.6), (0.7, 0.6), (0.5, 1.1), (math.nan, 0.5)])
def test_thresholds_that_do_not_part_are_refused(clear: float, pressed: float) -> None:
    with pytest.raises(ContractError, match="0 <= clear < pressed <= 1 is meant"):
        Threshold(clear=clear, pressed=pressed)
