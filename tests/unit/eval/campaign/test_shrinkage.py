import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.campaign.shrinkage import shrunk_covariance, unbelieved_share


def equal(samples: int) -> np.ndarray:
    return np.full(samples, 1.0 / samples)


def apart(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows - rows.mean(axis=0))


def test_what_goes_along_in_many_samples_is_believed() -> None:
    rng = np.random.default_rng(1)
    one = rng.standard_normal((400, 1))
    rows = apart(np.hstack([one, -2.0 * one, one]) + 0.1 * rng.standard_normal((400, 3)))
    assert unbelieved_share(rows, equal(400)) < 0.01
    assert shrunk_covariance(rows, equal(400)) == pytest.approx(np.cov(rows, rowvar=False), rel=0.01)


def test_chance_is_not() -> None:
    shares = []
    for seed in range(20):
        rows = apart(np.random.default_rng(seed).standard_normal((12, 8)))
        shares.append(unbelieved_share(rows, equal(12)))
    assert np.mean(shares) > 0.75


def test_the_share_is_lowest_in_expectation_of_the_error() -> None:
    truth = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]])
    rng = np.random.default_rng(3)
    samples = [apart(rng.multivariate_normal(np.zeros(3), truth, 10)) for _ in range(200)]
    off = {"shrunk": 0.0, "sample": 0.0, "none": 0.0}
    for rows in samples:
        shrunk, sample = shrunk_covariance(rows, equal(10)), np.cov(rows, rowvar=False)
        off["shrunk"] += float(((shrunk - truth) ** 2).sum())
        off["sample"] += float(((sample - truth) ** 2).sum())
        off["none"] += float(((np.diag(np.diag(sample)) - truth) ** 2).sum())
    assert off["shrunk"] < min(off["sample"], off["none"])


@given(
    st.lists(st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3), min_size=3, max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_variances_stay_and_no_direction_has_less_than_none(rows: list[list[float]], seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, len(rows))
    weights /= weights.sum()
    samples = np.array(rows) - weights @ np.array(rows)
    covariance = shrunk_covariance(samples, weights)
    assert 0.0 <= unbelieved_share(samples, weights) <= 1.0
    assert np.diag(covariance) == pytest.approx(weights @ samples**2 / (1.0 - weights @ weights), abs=1e-12)
    assert np.linalg.eigvalsh(covariance).min() >= -1e-9


def test_variables_without_any_spread_go_along_with_none() -> None:
    assert unbelieved_share(np.zeros((4, 2)), equal(4)) == 1.0
