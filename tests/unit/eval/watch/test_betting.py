"""Factors whose mean is at most 1 under the null: the one property that everything else stands on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eval.watch.betting import EXPONENTS, FRACTIONS, mean_factors, rank_factors

shares = st.floats(0.01, 0.99)


@given(shares, shares)
def test_a_bet_on_a_mean_is_fair_where_the_mean_is_the_nulls_edge(at_most: float, high: float) -> None:
    """Any distribution on two points with that mean."""
    high = at_most + (1.0 - at_most) * high
    weight = at_most / high
    mean = weight * mean_factors(high, at_most=at_most) + (1.0 - weight) * mean_factors(0.0, at_most=at_most)
    np.testing.assert_allclose(mean, 1.0, atol=1e-9)


@given(shares, st.floats(0.0, 1.0))
def test_a_bet_on_a_mean_never_leads_into_debt_and_wins_more_the_more_goes_wrong(at_most: float, value: float) -> None:
    factors = mean_factors(value, at_most=at_most)
    assert factors.shape == (len(FRACTIONS),)
    assert (factors >= 0.0).all()
    assert ((factors > 1.0) == (value > at_most)).all() or value == at_most


@given(st.integers(1, 400))
def test_a_bet_on_ranks_is_at_most_fair_for_every_number_of_days_before(count: int) -> None:
    ranks = np.arange(1, count + 1) / count
    mean = rank_factors(ranks).mean(axis=0)
    assert (mean <= 1.0 + 1e-12).all()
    assert (mean > 0.0).all()


def test_the_strangest_of_many_wins_and_the_most_usual_loses() -> None:
    assert (rank_factors(0.01) > 1.0).all()
    assert (rank_factors(1.0) == EXPONENTS).all()
    assert (EXPONENTS < 1.0).all()
