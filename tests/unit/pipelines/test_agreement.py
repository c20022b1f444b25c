"""Agreement of stressors and rules: counts, and what is beyond chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES, Axis
from pipelines.agreement import AxisAgreement, agreement_of, agreement_table

AGREEMENTS = st.lists(st.integers(0, 500), min_size=5, max_size=5).map(
    lambda counts: AxisAgreement(
        axis=Axis.LLC,
        both=counts[0],
        stressor_alone=counts[1],
        rule_alone=counts[2],
        undecided=counts[2] // 2,
        neither=counts[3],
        unsaid=counts[4],
    )
)


def of_one_axis(intensity: list[float], ruled: list[float]) -> AxisAgreement:
    """Agreement on the first axis, of which alone something is said."""
    stress = np.zeros((len(intensity), len(AXES)))
    rules = np.full((len(ruled), len(AXES)), np.nan)
    stress[:, 0], rules[:, 0] = intensity, ruled
    return agreement_of(stress, rules, strong=0.5)[0]


def test_each_window_is_counted_once() -> None:
    found = of_one_axis([0.5, 1.0, 0.4, 0.0, 0.0, 0.4, 1.0], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, np.nan])
    assert found == AxisAgreement(
        axis=AXES[0], both=1, stressor_alone=1, rule_alone=2, undecided=1, neither=2, unsaid=1
    )
    assert (found.said, found.precision, found.recall) == (6, 1 / 3, 0.5)


def test_kappa_is_that_of_cohens_definition() -> None:
    found = AxisAgreement(axis=Axis.UPI, both=20, stressor_alone=5, rule_alone=10, undecided=2, neither=15, unsaid=3)
    assert found.kappa == pytest.approx(0.4)  # agreed 0.7, by chance 0.5


@given(AGREEMENTS)
def test_kappa_lies_between_minus_one_and_one_and_is_one_only_where_they_never_differ(found: AxisAgreement) -> None:
    if found.kappa is not None:
        assert -1.0 <= found.kappa <= 1.0 + 1e-12
        assert (found.kappa >= 1.0 - 1e-12) == (found.stressor_alone + found.rule_alone == 0)


@given(AGREEMENTS)
def test_kappa_does_not_care_who_of_the_two_is_called_the_stressor(found: AxisAgreement) -> None:
    swapped = found.model_copy(update={"stressor_alone": found.rule_alone, "rule_alone": found.stressor_alone})
    assert swapped.kappa == found.kappa


def test_where_both_always_say_the_same_one_thing_nothing_is_beyond_chance() -> None:
    quiet = AxisAgreement(axis=Axis.TLB, both=0, stressor_alone=0, rule_alone=0, undecided=0, neither=9, unsaid=0)
    silent = AxisAgreement(axis=Axis.TLB, both=0, stressor_alone=0, rule_alone=0, undecided=0, neither=0, unsaid=9)
    assert (quiet.kappa, quiet.precision, quiet.recall) == (None, None, None)
    assert silent.kappa is None


def test_the_table_has_a_line_an_axis_and_a_dash_where_there_is_no_share() -> None:
    nothing = np.zeros((3, len(AXES)))
    lines = agreement_table(agreement_of(nothing, nothing, strong=0.5)).split("\n")
    assert [line.split()[0] for line in lines] == ["axis", *AXES]
    assert lines[1].split() == [AXES[0], "0", "0", "0", "0", "3", "0", "-", "-", "-"]
    assert len({len(line) for line in lines}) == 1
