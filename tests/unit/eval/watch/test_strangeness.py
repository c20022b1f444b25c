"""How strange vectors are, against a reference of usual ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.features import FEATURE_SCHEMA_V1
from eval.watch.strangeness import FARTHEST, Reference, p_value, reference_of, strangeness

WIDTH = len(FEATURE_SCHEMA_V1)
LOWEST = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features])
RANGE = np.array([spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features])


def vectors(count: int, *, middle: float = 0.4, seed: int = 0) -> np.ndarray:
    shares = np.clip(np.random.default_rng(seed).normal(middle, 0.05, (count, WIDTH)), 0.0, 1.0)
    return np.asarray(LOWEST + RANGE * shares, dtype=np.float32)


def test_vectors_like_the_reference_are_less_strange_than_shifted_ones() -> None:
    reference = reference_of(vectors(200))
    usual, shifted = (
        strangeness(vectors(50, seed=1), reference),
        strangeness(vectors(50, middle=0.6, seed=1), reference),
    )
    assert usual.max() < shifted.min()
    assert shifted.max() <= FARTHEST


def test_one_feature_gone_wild_does_not_decide_alone() -> None:
    reference = reference_of(vectors(200))
    wild = vectors(1, seed=2)
    plain = strangeness(wild, reference)
    wild[0, 3] = LOWEST[3] + RANGE[3]
    assert strangeness(wild, reference)[0] - plain[0] <= FARTHEST / WIDTH


def test_a_missing_feature_is_neither_strange_nor_usual() -> None:
    seen = vectors(200)
    seen[:, 0] = np.nan
    reference = reference_of(seen)
    assert reference.middles[0] is None
    without, with_all = vectors(5, seed=3), vectors(5, seed=3)
    without[:, 0] = np.nan
    np.testing.assert_array_equal(strangeness(without, reference), strangeness(with_all, reference))
    assert np.isnan(strangeness(np.full((1, WIDTH), np.nan, dtype=np.float32), reference)).all()


def test_a_feature_that_never_moved_is_not_strange_for_noise() -> None:
    seen = vectors(200)
    seen[:, 1] = np.float32(LOWEST[1] + 0.5 * RANGE[1])
    moved = seen[:1].copy()
    moved[0, 1] += np.float32(0.005 * RANGE[1])
    reference = reference_of(seen)
    assert strangeness(moved, reference)[0] - strangeness(seen[:1], reference)[0] < 1.0 / WIDTH


def test_a_reference_is_the_same_when_read_again_and_refused_where_it_is_torn() -> None:
    reference = reference_of(vectors(20))
    assert Reference.from_json(reference.to_json()) == reference
    with pytest.raises(ValueError, match="has a middle and no width"):
        Reference(middles=reference.middles, half_widths=(None, *reference.half_widths[1:]))


@given(st.lists(st.floats(0.0, 8.0), max_size=40), st.floats(0.0, 8.0))
def test_a_p_value_is_the_share_of_scores_that_are_as_strange(before: list[float], score: float) -> None:
    found = p_value(score, before)
    assert 1 / (len(before) + 1) <= found <= 1.0
    assert found == sum(one >= score for one in (*before, score)) / (len(before) + 1)
