import math

import numpy as np
import pytest

from pipelines.bootstrap import Resampling, over_groups

HOW = Resampling(resamples=2000, confidence=0.9, seed=1)


def test_the_interval_has_the_width_of_the_means_normal_approximation() -> None:
    values = np.random.default_rng(2).normal(5.0, 1.0, 200)
    interval = over_groups(lambda drawn: float(values[drawn].mean()), 200, HOW)
    half = 1.645 * values.std() / math.sqrt(200)
    assert interval.value == pytest.approx(values.mean())
    assert interval.lower == pytest.approx(values.mean() - half, abs=0.02)
    assert interval.upper == pytest.approx(values.mean() + half, abs=0.02)


def test_the_same_seed_gives_the_same_interval_and_other_seeds_hardly_another() -> None:
    values = np.arange(10.0)
    one, again, other = (
        over_groups(lambda drawn: float(values[drawn].mean()), 10, how)
        for how in (HOW, HOW, Resampling(resamples=2000, confidence=0.9, seed=2))
    )
    assert one == again
    assert other.lower == pytest.approx(one.lower, abs=0.3)


def test_resamples_that_say_nothing_are_left_out() -> None:
    interval = over_groups(lambda drawn: math.nan if 0 not in drawn else 1.0, 3, HOW)
    assert (interval.value, interval.lower, interval.upper) == (1.0, 1.0, 1.0)
