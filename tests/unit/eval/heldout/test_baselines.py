from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.trace import LabelledTrace
from eval.heldout.asked import Asked, data_to_fit
from eval.heldout.baselines import Baseline, calibrated_bound, fitted_baselines, quantile_bound
from pipelines.dataset import TraceDataset
from pipelines.labels import by_rules
from pipelines.predictions import HeldOutPredictions
from pipelines.settings import TrainingSettings
from tests.unit.eval.heldout.fabricated import RATE, predictions_on
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

Said = Callable[[HeldOutPredictions], list[Baseline]]


@pytest.fixture(scope="module")
def said(dataset: TraceDataset) -> Said:
    """What baselines say of the rows that predictions are of; fitted once."""
    data = data_to_fit(dataset, TrainingSettings())
    fitted = fitted_baselines(data, rate=RATE)
    return lambda predictions: list(fitted.said(Asked(data=data, predictions=predictions)))


@pytest.fixture(scope="module")
def found(dataset: TraceDataset, said: Said) -> dict[str, Baseline]:
    every = said(predictions_on(dataset, upper=2.0))
    return {baseline.judge: baseline for baseline in every if baseline.judge is not None}


def test_a_constant_bound_never_saw_the_group_that_it_is_held_to(found: dict[str, Baseline]) -> None:
    dataset = synthetic_dataset(groups=6, mixes=20, seed=4)
    group = "group-00"
    bounds = found["majority"].predictions.bounds
    own = bounds.upper[bounds.group == group]
    others = [trace for trace in dataset.traces if group not in trace.groups]
    assert np.unique(own).tolist() == [quantile_bound(others, 0.7)]
    assert len(np.unique(bounds.upper)) > 1


def test_a_constant_quantile_holds_for_as_many_training_rows(dataset: TraceDataset) -> None:
    bound = quantile_bound(dataset.traces, 0.7)
    assert np.mean([trace.slowdown <= bound for trace in dataset.traces]) == pytest.approx(0.7, abs=0.01)


@settings(deadline=None)
@given(st.integers(0, 20))
def test_a_constant_over_groups_holds_for_enough_of_them(seed: int) -> None:
    traces = synthetic_dataset(groups=5, mixes=6, seed=seed).traces
    bound = calibrated_bound(traces, 0.7)
    shares = [_share_below(bound, traces, group) for group in {trace.victim.group for trace in traces}]
    assert np.mean(shares) >= 0.7 * (5 + 1) / 5 - 1e-9


def _share_below(bound: float, traces: tuple[LabelledTrace, ...], group: str) -> float:
    own = [trace.slowdown for trace in traces if trace.victim.group == group]
    return float(np.mean([slowdown <= bound * (1.0 + 1e-9) for slowdown in own]))


def test_rules_judge_by_the_window_alone(dataset: TraceDataset, found: dict[str, Baseline]) -> None:
    baseline = found["top-down rules"]
    assert baseline.judges_by_rule
    regimes = baseline.predictions.regimes
    vectors = np.stack([dataset.traces[index].during_values for index in regimes.trace])
    assert np.array_equal(regimes.probability, np.nan_to_num(by_rules(vectors)))


def test_the_majority_is_that_of_the_windows_without_the_group(
    dataset: TraceDataset, found: dict[str, Baseline]
) -> None:
    regimes = found["majority"].predictions.regimes
    data = data_to_fit(dataset, TrainingSettings())
    others = np.array(["group-01" not in trace.groups for trace in data.windows.traces])
    share = np.nanmean(data.labels.pressed[others], axis=0)
    own = regimes.probability[regimes.group == "group-01"]
    assert len(own)
    assert (own == (share > 0.5)).all()


def test_an_axis_that_the_model_does_not_judge_is_asked_of_nobody(dataset: TraceDataset, said: Said) -> None:
    predictions = predictions_on(dataset, upper=2.0)
    predictions.regimes.probability[:, 0] = np.nan
    for baseline in said(predictions):
        assert np.isnan(baseline.predictions.regimes.probability[:, 0]).all()
        assert not np.isnan(baseline.predictions.regimes.probability[:, 1:]).any()
