"""Recorded windows judged by other models."""

import pytest

from contracts.axis import Axis
from contracts.bundle import AxisCalibration
from contracts.regime import Regime
from eval.replay.judge import ReplayedModel
from eval.replay.regimes import RegimeTally
from serving.bundle_directory import read_bundle, write_bundle
from tests.unit.eval.replay.site import PROFILES, at
from tests.unit.scheduler_extender.small_cluster import Domain, node_state
from tests.unit.serving.small_bundle import graphs, manifest

PRESSED, CLEAR = 0.9, 0.1
"""Of every feature, the share of L3 misses among them, which is all that the small bundle looks at."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayedModel, ...]:
    """One that finds the LLC pressed from a probability of 0.7 on, and one that never does."""
    made = tmp_path_factory.mktemp("models")
    found = []
    for name, pressed in (("usual", 0.7), ("deaf", 0.999)):
        calibration = AxisCalibration(
            axis=Axis.LLC, scores=(0.0, 0.5, 1.0), probabilities=(0.0, 0.25, 1.0), clear=0.3, pressed=pressed
        )
        write_bundle(
            made / name, manifest=manifest(axis_calibrations=(calibration,)), graphs=graphs(), profiles=PROFILES
        )
        found.append(ReplayedModel(name=name, bundle=read_bundle(made / name)))
    return tuple(found)


def test_agreement_is_with_what_was_published_and_with_one_another(models: tuple[ReplayedModel, ...]) -> None:
    tally = RegimeTally(models)
    for second, (pressure, published) in enumerate(
        [(CLEAR, Regime.QUIET), (CLEAR, Regime.QUIET), (PRESSED, Regime.LLC), (PRESSED, Regime.UNKNOWN)]
    ):
        state = node_state("spr-1", Domain(pressure=pressure, regime=published), seen=at(10 * second))
        tally.saw(state)
        tally.saw(state)
    usual, deaf = tally.figures()
    assert (usual.windows, usual.as_published, usual.unknown, usual.published_unknown) == (4, 0.75, 0.0, 0.25)
    assert (deaf.as_published, deaf.unknown) == (0.75, 0.5)
    (pair,) = tally.pairs()
    assert (pair.first, pair.second, pair.agreed) == ("usual", "deaf", 0.5)


def test_another_cpu_is_unknown_to_every_model(models: tuple[ReplayedModel, ...]) -> None:
    tally = RegimeTally(models)
    tally.saw(node_state("arm-1", Domain(regime=Regime.UNKNOWN), characterised=False))
    assert [figures.unknown for figures in tally.figures()] == [1.0, 1.0]


def test_more_windows_than_are_judged_at_once_all_count(models: tuple[ReplayedModel, ...]) -> None:
    tally = RegimeTally(models[:1])
    for second in range(700):
        tally.saw(node_state("spr-1", Domain(), Domain(pressure=PRESSED, regime=Regime.LLC), seen=at(second)))
    (figures,) = tally.figures()
    assert (figures.windows, figures.as_published) == (1400, 1.0)
    assert not tally.pairs()


def test_where_no_window_was_recorded_nothing_is_said(models: tuple[ReplayedModel, ...]) -> None:
    assert RegimeTally(models).figures() == ()
    assert RegimeTally(models).pairs() == ()
