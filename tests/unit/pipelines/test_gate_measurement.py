"""The gate's figures of real bundles, and what the gate makes of a worse and of a leaky challenger."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.profile import Tier
from pipelines.bootstrap import Resampling
from pipelines.family import BundleFamily, predictions_of
from pipelines.folds import workload_groups
from pipelines.gate import GateDecision, decide
from pipelines.gate_figures import GateFigures, Measured
from pipelines.gate_measurement import gate_figures, pinball, usual_limits
from pipelines.predictions import HeldOutPredictions
from pipelines.settings import TrainingSettings
from pipelines.training import Training
from pipelines.training_data import TrainingData
from serving.bundle_directory import Bundle


def family_of(training: Training) -> BundleFamily:
    siblings = tuple(draft.in_memory() for draft in training.held_out.values())
    return BundleFamily(whole=training.draft.in_memory(), held_out=siblings)


@pytest.fixture(scope="module")
def honest(training: Training) -> BundleFamily:
    return family_of(training)


def widened(family: BundleFamily, by: float) -> BundleFamily:
    """The same models with all margins wider by so much, in the logarithm."""

    def wider(bundle: Bundle) -> Bundle:
        calibrations = tuple(
            one.model_copy(update={"log_margin": one.log_margin + by}) for one in bundle.manifest.bound_calibrations
        )
        return replace(bundle, manifest=bundle.manifest.model_copy(update={"bound_calibrations": calibrations}))

    return BundleFamily(whole=wider(family.whole), held_out=tuple(wider(bundle) for bundle in family.held_out))


def said_by(family: BundleFamily, data: TrainingData, settings: TrainingSettings) -> HeldOutPredictions:
    return predictions_of(family, data, workload_groups(data.dataset.traces), settings)


def decided(found: GateFigures, settings: TrainingSettings) -> GateDecision:
    how = Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed)
    generous = usual_limits(settings).model_copy(update={"regime_seconds": 10.0, "bounds_seconds": 10.0})
    return decide(found, limits=generous, how=how)


def figures(
    challenger: BundleFamily,
    champion: BundleFamily | None,
    data: TrainingData,
    settings: TrainingSettings,
    registered: HeldOutPredictions,
) -> GateFigures:
    version = None if champion is None else "7"
    return gate_figures(
        challenger, champion, champion_version=version, data=data, settings=settings, registered=registered
    )


def test_an_honest_challenger_may_serve_and_ties_with_itself(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    found = figures(honest, honest, data, settings, training.predictions)
    assert found.groups == workload_groups(data.dataset.traces)
    assert found.not_held_out == ()
    assert [one.tier for one in found.coverage] == [Tier.COUNTERS, Tier.PROBED]
    assert {one.nominal for one in found.coverage} == {settings.rate}
    assert [(one.loss, one.challenger == one.champion) for one in found.losses] == [("bound", True), ("regime", True)]
    measured = {one.what: one.value for one in found.measurements}
    assert set(measured) == set(Measured)
    assert measured[Measured.PROBABILITY_DIFFERENCE] == measured[Measured.SLOWDOWN_DIFFERENCE] == 0.0
    assert 10_000 < measured[Measured.BUNDLE_BYTES] < 1_000_000
    assert decided(found, settings).refusals == ()


def test_a_deliberately_worse_challenger_is_refused(
    honest: BundleFamily, data: TrainingData, settings: TrainingSettings
) -> None:
    """Its bounds are three times as wide, so they hold all the more."""
    worse = widened(honest, np.log(3.0))
    decision = decided(figures(worse, honest, data, settings, said_by(worse, data, settings)), settings)
    assert all(check.held for check in decision.coverage)
    (sentence,) = decision.refusals
    assert sentence.startswith("bound loss")
    assert "that of champion 7" in sentence


def test_a_challenger_whose_bounds_hardly_ever_hold_is_refused(
    honest: BundleFamily, data: TrainingData, settings: TrainingSettings
) -> None:
    tight = widened(honest, -0.5)
    decision = decided(figures(tight, None, data, settings, said_by(tight, data, settings)), settings)
    assert not any(check.held for check in decision.coverage)
    assert len(decision.refusals) == 2


def test_a_deliberately_leaky_challenger_is_refused_although_it_looks_better(
    leaky: Training, honest: BundleFamily, data: TrainingData, settings: TrainingSettings
) -> None:
    """Its manifests deny what its bundles have seen, and by their losses it would win."""
    found = figures(family_of(leaky), honest, data, settings, said_by(family_of(leaky), data, settings))
    decision = decided(found, settings)
    assert found.not_held_out == ()
    assert decision.losses[0].growth < 0.0
    assert decision.losses[0].held
    leaks = [sentence for sentence in decision.refusals if sentence.endswith("away: it has seen them")]
    assert len(leaks) == len(decision.audits) == 2


def test_a_leaky_challenger_that_admits_it_is_refused(
    leaky: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    groups = workload_groups(data.dataset.traces)
    family = family_of(leaky)
    admitting = tuple(
        replace(bundle, manifest=bundle.manifest.model_copy(update={"training_groups": groups}))
        for bundle in family.held_out
    )
    decision = decided(
        figures(BundleFamily(whole=family.whole, held_out=admitting), None, data, settings, leaky.predictions), settings
    )
    assert f"{len(groups)} of {len(groups)} workload groups were seen by every bundle" in decision.refusals[0]
    assert decision.coverage == ()


def test_a_champion_is_asked_by_the_bundle_that_has_not_seen_the_group(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    """The one that has seen all would be right by heart; here it would even be wrong, and nobody notices."""
    champion = BundleFamily(whole=widened(honest, 1.0).whole, held_out=honest.held_out)
    found = figures(honest, champion, data, settings, training.predictions)
    assert found.losses[0].challenger == found.losses[0].champion


def test_a_champion_without_siblings_can_not_be_compared(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    alone = BundleFamily(whole=honest.whole, held_out=())
    found = figures(honest, alone, data, settings, training.predictions)
    assert found.losses == ()
    assert found.incomparable == "it has no bundle that is held out from these workloads"
    assert not decided(found, settings).promoted


def test_a_group_that_the_champion_never_saw_is_compared_on_its_whole_bundle(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    older = BundleFamily(whole=honest.held_out[0], held_out=())
    found = figures(honest, older, data, settings, training.predictions)
    (unseen,) = set(found.groups) - set(older.whole.manifest.training_groups)
    assert {loss.groups for loss in found.losses} == {(unseen,)}
    assert found.losses[0].challenger == found.losses[0].champion


def test_registered_predictions_that_the_bundles_do_not_give_are_a_difference(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    told = training.predictions
    other = replace(told, bounds=replace(told.bounds, upper=1.001 * told.bounds.upper))
    found = figures(honest, None, data, settings, other)
    difference = next(one.value for one in found.measurements if one.what is Measured.SLOWDOWN_DIFFERENCE)
    assert difference == pytest.approx(1.0 - 1.0 / 1.001)
    assert [sentence.split(" ")[0] for sentence in decided(found, settings).refusals] == ["slowdown"]


def test_registered_predictions_of_other_rows_are_no_measurement(
    honest: BundleFamily, training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    told = training.predictions
    fewer = replace(told, bounds=told.bounds.only(np.arange(len(told.bounds)) > 0))
    refusals = decided(figures(honest, None, data, settings, fewer), settings).refusals
    assert refusals == ("slowdown difference was not measured",)


def test_the_pinball_loss_punishes_misses_by_the_rate_and_width_by_the_rest(training: Training) -> None:
    bounds = training.predictions.bounds.only(np.arange(len(training.predictions.bounds)) < 2)
    asked = replace(bounds, slowdown=np.array([2.0, 1.0]), upper=np.array([1.0, 2.0]))
    assert pinball(asked, 0.8) == pytest.approx(np.log(2.0) * np.array([0.8, 0.2]))
