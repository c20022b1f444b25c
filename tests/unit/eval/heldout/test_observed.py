"""Bounds of workloads that were observed: the first windows teach, the others are asked about."""

from dataclasses import replace

import numpy as np
import pytest

from eval.heldout.observed import AFTER, observed_figures
from eval.heldout.report import ObservedFigures
from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset
from tests.unit.eval.heldout.fabricated import predictions_on
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

HOW = Resampling(resamples=100, confidence=0.9, seed=1)


@pytest.fixture(scope="module")
def many() -> TraceDataset:
    return synthetic_dataset(groups=4, mixes=160, seed=4)


def figures(dataset: TraceDataset, *, factor: float) -> dict[int, ObservedFigures]:
    """Bounds that are ``factor`` times what was measured, for every window."""
    predictions = predictions_on(dataset, upper=2.0)
    bounds = replace(predictions.bounds, upper=predictions.bounds.slowdown * factor)
    return {found.observations: found for found in observed_figures(dataset, replace(predictions, bounds=bounds), HOW)}


def test_bounds_that_never_hold_are_raised_by_the_first_observations(many: TraceDataset) -> None:
    found = figures(many, factor=0.95)
    assert tuple(found) == AFTER
    assert found[0].mean_tightness.value < 0.97
    assert found[max(AFTER)].mean_tightness.value == pytest.approx(1.0, abs=0.01)
    assert found[max(AFTER)].coverage.value > found[0].coverage.value


def test_bounds_that_are_too_wide_come_down_to_the_workloads_own(many: TraceDataset) -> None:
    found = figures(many, factor=1.5)
    assert found[0].mean_tightness.value == pytest.approx(1.5)
    assert found[max(AFTER)].mean_tightness.value == pytest.approx(1.0, abs=0.01)


def test_a_workload_with_too_few_windows_says_nothing(dataset: TraceDataset) -> None:
    few = predictions_on(dataset, upper=2.0)
    chosen = np.zeros(len(few.bounds), dtype=np.bool_)
    chosen[:20] = True
    assert observed_figures(dataset, replace(few, bounds=few.bounds.only(chosen)), HOW) == ()
