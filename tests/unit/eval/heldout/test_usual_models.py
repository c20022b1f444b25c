"""What is usually done instead: it never saw what it is asked about, and does what its name says."""

import numpy as np
import pytest

from contracts.axis import AXES
from eval.heldout.asked import data_to_fit
from eval.heldout.usual_models import (
    USUAL_MODELS,
    Fitted,
    Part,
    fitted_usual_models,
    linear_pairwise_sum,
    mean,
    part_of,
    plain_xgboost,
)
from pipelines.dataset import TraceDataset
from pipelines.folds import Folds
from pipelines.settings import TrainingSettings
from serving.interference_row import INTERFERENCE_COLUMNS


def part(rows: int, *, seed: int = 0) -> Part:
    """Slowdowns that are the very sum over pairs, with weights of one to eight."""
    random = np.random.default_rng(seed)
    pairs = random.random((rows, len(AXES)))
    matrix = np.zeros((rows, len(INTERFERENCE_COLUMNS)), dtype=np.float32)
    matrix[:, : len(AXES)] = pairs
    return Part(matrix=matrix, pairs=pairs, slowdown=1.0 + pairs @ np.arange(1.0, 9.0))


def asked_of(dataset: TraceDataset, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    traces = np.flatnonzero(folds.victim_fold >= 0)
    return traces.astype(np.int64), np.array([dataset.traces[index].victim.group for index in traces])


def test_the_mean_says_the_same_of_all_and_bounds_at_the_rate() -> None:
    seen = part(400)
    said = mean(seen, 0.8)(part(3, seed=1))
    assert said.median.tolist() == [pytest.approx(seen.slowdown.mean())] * 3
    assert (seen.slowdown <= said.upper[0]).mean() == pytest.approx(0.8, abs=0.01)


def test_the_sum_over_pairs_finds_the_weights_of_a_world_that_adds_up() -> None:
    asked = part(50, seed=1)
    said = linear_pairwise_sum(part(400), 0.8)(asked)
    np.testing.assert_allclose(said.median, asked.slowdown, rtol=1e-6)
    np.testing.assert_allclose(said.upper, asked.slowdown, rtol=1e-6)


def test_plain_boosting_bounds_above_its_middle() -> None:
    asked = part(200, seed=1)
    said = plain_xgboost(part(400), 0.9)(asked)
    assert (said.upper >= said.median).mean() > 0.75
    assert np.corrcoef(said.median, asked.slowdown)[0, 1] > 0.8


def bounds_of(dataset: TraceDataset) -> tuple[np.ndarray, dict[str, Fitted]]:
    data = data_to_fit(dataset, TrainingSettings())
    traces, groups = asked_of(dataset, data.folds)
    part = part_of(data)
    fitted = fitted_usual_models(part, data.folds, rate=0.7)
    return groups, dict(fitted.bounds(part, traces=traces, groups=groups))


def test_no_usual_model_saw_the_group_that_it_is_asked_about(dataset: TraceDataset) -> None:
    groups, found = bounds_of(dataset)
    assert list(found) == list(USUAL_MODELS)
    unseen = "group-00"
    others = [trace.slowdown for trace in dataset.traces if unseen not in trace.groups]
    assert found["mean"].median[groups == unseen] == pytest.approx(np.mean(others))


def test_the_middle_is_never_above_the_bound(dataset: TraceDataset) -> None:
    _, found = bounds_of(dataset)
    for said in found.values():
        assert (said.median <= said.upper).all()
