"""What is missing is missing for the model too, and leaving an axis undecided is no mistake."""

import numpy as np
import pytest

from contracts.axis import AXES, Axis
from eval.heldout.missing import missing_figures
from pipelines.bootstrap import Resampling
from pipelines.event_groups import EVENT_GROUPS, lost_with
from pipelines.judged import by_axis, said_by
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel
from tests.unit.eval.heldout.fabricated import predictions_on
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

HOW = Resampling(resamples=50, confidence=0.9, seed=3)
DATASET = synthetic_dataset(groups=4, mixes=10)


@pytest.fixture(scope="module")
def model() -> RegimeModel:
    return RegimeModel(Bundle(digest="(in memory)", manifest=manifest(), profiles=PROFILES, graphs=graphs()))


def test_each_event_group_is_taken_away_in_turn(model: RegimeModel) -> None:
    regimes = predictions_on(DATASET, upper=1.5).regimes
    found = list(missing_figures(DATASET, regimes, lambda _: model, HOW))
    assert [figures.group for figures in found] == list(EVENT_GROUPS)
    vectors = np.stack([DATASET.traces[index].during_values for index in regimes.trace.tolist()])
    for figures in found:
        blind = np.where(lost_with(EVENT_GROUPS[figures.group]), np.float32(np.nan), vectors)
        said = said_by(model, by_axis(model.probabilities_of(blind)))
        judged = ~np.isnan(said)
        assert Axis.LLC.value not in figures.unseen
        assert set(figures.unseen) == {axis for axis, of in zip(AXES, judged.T, strict=True) if not of.any()}
        assert figures.undecided == pytest.approx((said == 0.5).sum() / judged.sum())
        assert figures.macro_f1.units == 4


def test_without_a_model_that_has_not_seen_a_group_there_is_nothing_to_say() -> None:
    regimes = predictions_on(DATASET, upper=1.5).regimes
    assert list(missing_figures(DATASET, regimes, lambda _: None, HOW)) == []
