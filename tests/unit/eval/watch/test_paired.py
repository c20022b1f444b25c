"""Two champions on the same outcomes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.watch.gamblers import after_bet
from eval.watch.paired import PairedOutcome, money, paired_factors, paired_value, unbet

outcomes = st.lists(
    st.builds(PairedOutcome, group=st.sampled_from("abc"), new_failed=st.booleans(), former_failed=st.booleans())
)


@given(outcomes)
def test_what_is_said_of_one_is_the_opposite_of_what_is_said_of_the_other(seen: list[PairedOutcome]) -> None:
    turned = [
        PairedOutcome(group=one.group, new_failed=one.former_failed, former_failed=one.new_failed) for one in seen
    ]
    value, other = paired_value(seen), paired_value(turned)
    assert (value is None) == (other is None)
    if value is not None and other is not None:
        assert value == -other
        assert -1.0 <= value <= 1.0
        fair = (paired_factors(value) + paired_factors(other)) / 2.0
        np.testing.assert_allclose(fair, 1.0)


def test_windows_on_which_both_agree_say_nothing() -> None:
    agreed = [PairedOutcome(group="a", new_failed=failed, former_failed=failed) for failed in (True, False)]
    assert paired_value(agreed) is None
    assert paired_value([]) is None


def test_a_workload_with_many_windows_is_one_voice() -> None:
    worse = [PairedOutcome(group="a", new_failed=True, former_failed=False)] * 100
    better = [PairedOutcome(group="b", new_failed=False, former_failed=True)]
    assert paired_value([*worse, *better]) == 0.0


def test_a_champion_that_is_no_worse_is_hardly_ever_sent_back() -> None:
    rng = np.random.default_rng(7)
    runs, wealths = 1000, np.array([unbet()] * 1000)
    reached = np.zeros(runs, dtype=bool)
    for _ in range(168):
        signs = rng.choice((-1.0, 1.0), size=(runs, 3)).mean(axis=1)
        wealths = after_bet(wealths, np.stack([paired_factors(value) for value in signs]))
        reached |= wealths.mean(axis=1) >= 1.0 / 0.05
    assert 0.0 < reached.mean() < 0.07
    assert money(unbet()) == pytest.approx(1.0)


def test_one_that_is_worse_everywhere_is_found_out_within_seven_periods() -> None:
    wealths = np.array(unbet())
    for _ in range(7):
        wealths = after_bet(wealths, paired_factors(1.0))
    assert money(tuple(wealths)) >= 1.0 / 0.05
