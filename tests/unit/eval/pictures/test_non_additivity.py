import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.pictures.non_additivity import RULES, NonAdditivity, Pair, non_additivity


@pytest.fixture(scope="module")
def data() -> NonAdditivity:
    return non_additivity()


def pair(first: float, second: float, *, joint: float) -> Pair:
    return Pair(names=("first", "second"), single=(first, second), joint=joint)


@given(st.floats(0.0, 9.0), st.floats(0.0, 9.0))
def test_a_rule_says_nothing_of_the_joint_effect_and_the_maximum_least(first: float, second: float) -> None:
    sides = pair(first, second, joint=0.0), pair(second, first, joint=5.0)
    for rule in RULES.values():
        assert rule(sides[0]) == pytest.approx(rule(sides[1]))
    assert RULES["maximum"](sides[0]) <= RULES["sum"](sides[0]) <= RULES["product"](sides[0]) + 1e-9


def test_two_half_losses_under_each_rule() -> None:
    halves = pair(0.5, 0.5, joint=1.0)
    assert {name: rule(halves) for name, rule in RULES.items()} == {"sum": 1.0, "product": 1.25, "maximum": 0.5}


def test_the_named_pairs_are_the_furthest_from_the_sum() -> None:
    below, on, above = pair(1.0, 1.0, joint=1.0), pair(1.0, 1.0, joint=2.0), pair(0.1, 0.1, joint=0.9)
    data = NonAdditivity(victim="victim", pairs=(on, above, below))
    assert (data.most_above, data.most_below) == (above, below)


def test_joint_effects_fall_on_both_sides_of_the_sum(data: NonAdditivity) -> None:
    assert len(data.pairs) >= 24
    assert data.most_above.joint > 1.2 * RULES["sum"](data.most_above)
    assert data.most_below.joint < 0.85 * RULES["sum"](data.most_below)


def test_no_rule_is_right_within_a_tenth_for_all(data: NonAdditivity) -> None:
    for rule in RULES.values():
        assert any(abs(pair.joint / rule(pair) - 1.0) > 0.1 for pair in data.pairs)


def test_a_second_aggressor_never_helps(data: NonAdditivity) -> None:
    assert all(pair.joint > 0.98 * RULES["maximum"](pair) for pair in data.pairs)
