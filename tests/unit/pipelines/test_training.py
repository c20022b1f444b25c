"""What was held out was never near its own prediction."""

import numpy as np
import pytest

from contracts.bundle import GraphRole
from contracts.profile import Tier
from contracts.trace import LabelledTrace
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError
from pipelines.figures import HeldOutFigures
from pipelines.heldout import figures, held_out_predictions
from pipelines.predictions import HeldOutBounds, HeldOutKind
from pipelines.settings import TrainingSettings
from pipelines.training import Training, train
from pipelines.training_data import TrainingData, training_data
from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel

LEFT_OUT = "group-02"


def test_every_bundle_has_not_seen_the_groups_that_it_is_asked_about(training: Training, data: TrainingData) -> None:
    everyone = frozenset().union(*data.folds.folds)
    assert set(training.draft.manifest.training_groups) == everyone
    for fold, sibling in training.held_out.items():
        assert set(sibling.manifest.training_groups) == everyone - data.folds.folds[fold]
        assert all(each.groups == len(everyone) - 1 for each in sibling.manifest.bound_calibrations)


def test_a_held_out_victims_slowdowns_do_not_move_its_own_predictions(
    dataset: TraceDataset, training: Training, settings: TrainingSettings
) -> None:
    """Were they anywhere in a fit or a calibration, another truth would give another prediction."""

    def worse(trace: LabelledTrace) -> LabelledTrace:
        if trace.victim.group != LEFT_OUT:
            return trace
        slowdown = min(3.0 * trace.slowdown, 9.0)
        return trace.model_copy(update={"slowdown": slowdown, "together": trace.alone * slowdown})

    changed = TraceDataset(traces=tuple(map(worse, dataset.traces)), profiles=dataset.profiles)
    other = held_out_predictions(changed, settings)

    def of_group(bounds: HeldOutBounds) -> HeldOutBounds:
        return bounds.only(bounds.group == LEFT_OUT)

    before, after = of_group(training.predictions.bounds), of_group(other.bounds)
    assert np.array_equal(before.upper, after.upper)
    assert np.array_equal(before.median, after.median)
    assert not np.array_equal(before.slowdown, after.slowdown)
    rest = training.predictions.bounds.group != LEFT_OUT
    assert not np.array_equal(training.predictions.bounds.upper[rest], other.bounds.upper[rest])


def test_every_row_of_a_group_is_judged_once_a_tier(training: Training, dataset: TraceDataset) -> None:
    bounds = training.predictions.bounds
    for group in training.predictions.groups:
        meets = [index for index, trace in enumerate(dataset.traces) if group in trace.groups]
        for tier in (Tier.COUNTERS, Tier.PROBED):
            chosen = bounds.only((bounds.group == group) & (bounds.tier == tier.value))
            assert chosen.trace.tolist() == meets
            victims = np.array([dataset.traces[index].victim.group == group for index in meets])
            assert ((chosen.kind == HeldOutKind.UNSEEN_VICTIM.value) == victims).all()


def test_bounds_hold_and_say_something(training: Training, settings: TrainingSettings) -> None:
    found: HeldOutFigures = training.figures
    for tier in (Tier.COUNTERS, Tier.PROBED):
        coverage = found.of(f"bound.{tier}.unseen-victim.coverage")
        assert coverage.upper >= settings.rate
        assert found.of(f"bound.{tier}.unseen-victim.tightness").value < 2.0
    assert found.of("regime.macro_f1").value > 0.6
    assert figures(training.predictions, settings) == found


def test_the_draft_is_a_whole_bundle(training: Training, data: TrainingData, settings: TrainingSettings) -> None:
    manifest = training.draft.manifest
    assert manifest.simulated
    assert manifest.training_data == data.dataset.digest
    assert [graph.quantile for graph in manifest.graphs if graph.role is GraphRole.INTERFERENCE] == [
        settings.median,
        settings.upper,
    ]
    assert {graph.axis for graph in manifest.graphs if graph.axis} == set(data.labels.judged)
    assert {figure.name for figure in manifest.held_out} == {figure.name for figure in training.figures.figures}
    assert {library.name for library in manifest.libraries} >= {"xgboost-cpu", "onnxmltools", "onnxruntime"}
    bundle: Bundle = training.draft.in_memory()
    assert set(RegimeModel(bundle).axes) == set(data.labels.judged)
    said = BoundModel(bundle).predict(data.rows.matrix[:4], [Tier.PROBED] * 4)
    assert (said.upper >= said.median).all()
    for calibration in manifest.bound_calibrations:
        assert (calibration.rate, calibration.groups) == (settings.rate, 6)


def test_a_rate_that_the_groups_do_not_support_is_refused_before_anything_is_fitted(
    data: TrainingData, settings: TrainingSettings
) -> None:
    with pytest.raises(DataError, match=r"a rate of 0\.9 can't be calibrated over 5 workload group\(s\)"):
        train(data, settings.model_copy(update={"rate": 0.9}))


def test_whole_groups_share_a_fold_where_there_are_more_groups_than_folds(
    dataset: TraceDataset, settings: TrainingSettings
) -> None:
    few = settings.model_copy(update={"folds": 3, "rate": 0.6})
    data = training_data(dataset, few)
    result = train(data, few)
    assert [len(groups) for groups in data.folds.folds] == [2, 2, 2]
    assert result.predictions.groups == tuple(sorted(frozenset().union(*data.folds.folds)))
