"""Who may serve: coverage first, then no worse than the champion on workloads that neither has seen.

The bundles answer by a few arithmetic nodes; what they bound is the synthetic campaign.
"""

import numpy as np
import pytest

from contracts.bundle import BoundCalibration
from contracts.profile import Tier
from pipelines.family import BundleFamily
from pipelines.folds import workload_groups
from pipelines.gate import GateDecision, decide
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.bundle_directory import Bundle
from serving.interference_row import INTERFERENCE_COLUMNS
from tests.unit.serving.small_bundle import graphs, linear_graph, manifest


def bundle(groups: tuple[str, ...], *, level: float, judges_badly: bool = False) -> Bundle:
    """Bounds every slowdown by ``exp(level)``, and judges the LLC by one feature, or the wrong way round."""
    constant = linear_graph(INTERFERENCE_COLUMNS, {}, bias=level, classifier=False)
    files = graphs() | {"slowdown-q50.onnx": constant, "slowdown-q90.onnx": constant}
    calibrations = tuple(
        BoundCalibration(tier=tier, rate=0.75, groups=4, supported_rate=0.8, log_margin=0.0)
        for tier in (Tier.COUNTERS, Tier.PROBED)
    )
    changes: dict[str, object] = {
        "training_groups": groups or ("nobody",),
        "bound_calibrations": calibrations,
        "ceiling": 10.0,
        "pressure_ranges": (),
    }
    if judges_badly:
        judged = manifest().axis_calibrations[0]
        changes["axis_calibrations"] = (judged.model_copy(update={"probabilities": (0.9, 0.95, 1.0)}),)
    return Bundle(digest="x", manifest=manifest(**changes), profiles=(), graphs=files)


def family(data: TrainingData, *, level: float, judges_badly: bool = False) -> BundleFamily:
    groups = workload_groups(data.dataset.traces)
    return BundleFamily(
        whole=bundle(groups, level=level),
        held_out=tuple(
            bundle(tuple(other for other in groups if other != group), level=level, judges_badly=judges_badly)
            for group in groups
        ),
    )


def level_that_holds_for(share: float, data: TrainingData) -> float:
    return float(np.quantile(data.rows.log_slowdown, share))


def asked(
    challenger: BundleFamily, champion: BundleFamily | None, data: TrainingData, settings: TrainingSettings
) -> GateDecision:
    version = None if champion is None else "7"
    return decide(challenger, champion, champion_version=version, data=data, settings=settings)


def test_the_first_challenger_is_judged_by_coverage_alone(data: TrainingData, settings: TrainingSettings) -> None:
    decision = asked(family(data, level=level_that_holds_for(0.8, data)), None, data, settings)
    assert decision.promoted
    assert [check.tier for check in decision.coverage] == [Tier.COUNTERS, Tier.PROBED]
    assert decision.losses == ()
    assert decision.reasons[-1] == "there is no champion to compare with"


def test_bounds_that_hardly_ever_hold_are_refused(data: TrainingData, settings: TrainingSettings) -> None:
    decision = asked(family(data, level=level_that_holds_for(0.3, data)), None, data, settings)
    assert not decision.promoted
    assert not any(check.held for check in decision.coverage)
    assert "below the stated 75% beyond chance" in decision.reasons[0]
    assert "not below" not in decision.reasons[0]


def test_a_challenger_that_says_the_same_wins(data: TrainingData, settings: TrainingSettings) -> None:
    level = level_that_holds_for(0.8, data)
    decision = asked(family(data, level=level), family(data, level=level), data, settings)
    assert decision.promoted
    assert [(check.loss, check.growth) for check in decision.losses] == [("bound", 0.0), ("regime", 0.0)]
    assert decision.champion == "7"


def test_a_challenger_with_wider_bounds_is_refused_although_they_hold(
    data: TrainingData, settings: TrainingSettings
) -> None:
    level = level_that_holds_for(0.8, data)
    decision = asked(family(data, level=level + 1.0), family(data, level=level), data, settings)
    assert all(check.held for check in decision.coverage)
    assert not decision.promoted
    bound = decision.losses[0]
    assert (bound.loss, bound.held, bound.groups) == ("bound", False, 6)
    assert bound.lower > 0.0
    assert any("that of champion 7" in reason and reason.endswith(": worse") for reason in decision.reasons)


def test_a_challenger_with_tighter_bounds_wins(data: TrainingData, settings: TrainingSettings) -> None:
    level = level_that_holds_for(0.8, data)
    decision = asked(family(data, level=level), family(data, level=level + 1.0), data, settings)
    assert decision.promoted
    assert decision.losses[0].growth < 0.0


def test_a_challenger_that_judges_regimes_worse_is_refused(data: TrainingData, settings: TrainingSettings) -> None:
    level = level_that_holds_for(0.8, data)
    decision = asked(family(data, level=level, judges_badly=True), family(data, level=level), data, settings)
    assert not decision.promoted
    assert [(check.loss, check.held) for check in decision.losses] == [("bound", True), ("regime", False)]


def test_a_champion_is_never_asked_about_what_it_saw(data: TrainingData, settings: TrainingSettings) -> None:
    """The bundle that has seen all groups would be right by heart; it is not the one that is asked."""
    groups = workload_groups(data.dataset.traces)
    level = level_that_holds_for(0.8, data)
    honest = family(data, level=level)
    knows_all = bundle(groups, level=level - 0.1)
    decision = asked(family(data, level=level), BundleFamily(whole=knows_all, held_out=honest.held_out), data, settings)
    assert decision.losses[0].growth == 0.0


@pytest.mark.parametrize("level", [0.5, 5.0])
def test_without_anything_comparable_the_champion_stays(
    level: float, data: TrainingData, settings: TrainingSettings
) -> None:
    groups = workload_groups(data.dataset.traces)
    alone = BundleFamily(whole=bundle(groups, level=0.5), held_out=())
    decision = asked(family(data, level=level), alone, data, settings)
    assert not decision.promoted
    assert decision.reasons[-1] == "champion 7 has no bundle that is held out from any of these workloads"


def test_a_group_that_the_champion_never_saw_is_compared_on_its_whole_bundle(
    data: TrainingData, settings: TrainingSettings
) -> None:
    groups = workload_groups(data.dataset.traces)
    older = BundleFamily(whole=bundle(groups[:-1], level=0.5), held_out=())
    decision = asked(family(data, level=0.5), older, data, settings)
    assert {check.groups for check in decision.losses} == {1}
    assert decision.losses[0].growth == 0.0


def test_a_challenger_without_siblings_can_not_be_judged(data: TrainingData, settings: TrainingSettings) -> None:
    groups = workload_groups(data.dataset.traces)
    decision = asked(BundleFamily(whole=bundle(groups, level=5.0), held_out=()), None, data, settings)
    assert not decision.promoted
    assert decision.coverage == ()


def test_a_decision_survives_json(data: TrainingData, settings: TrainingSettings) -> None:
    level = level_that_holds_for(0.8, data)
    decision = asked(family(data, level=level), family(data, level=level), data, settings)
    assert GateDecision.from_json(decision.to_json()) == decision
