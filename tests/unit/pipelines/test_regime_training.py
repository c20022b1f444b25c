"""The classifier does without what a node lacks."""

import numpy as np
import pytest

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from pipelines.event_groups import EVENT_GROUPS, lost_with
from pipelines.regime_training import fit_axis, with_dropped_copies
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData


def test_every_copy_loses_something_and_the_first_rows_nothing(settings: TrainingSettings) -> None:
    vectors = np.full((400, len(FEATURE_SCHEMA_V1)), 0.5, dtype=np.float32)
    copies = with_dropped_copies(vectors, settings)
    assert copies.shape == ((1 + settings.dropped_copies) * 400, len(FEATURE_SCHEMA_V1))
    assert not np.isnan(copies[:400]).any()
    missing = np.isnan(copies[400:])
    for events in EVENT_GROUPS.values():
        assert missing[:, lost_with(events)].all(axis=1).any()
    assert 0.15 < missing.mean() < 0.6


@pytest.mark.parametrize("group", ["uncore", "core", "virtual-machine"])
def test_it_still_tells_memory_pressure_apart_without_an_event_group(
    group: str, data: TrainingData, settings: TrainingSettings
) -> None:
    pressed = data.labels.pressed[:, AXES.index(Axis.MEMBW)]
    model = fit_axis(data.windows.vectors, pressed, settings)
    blind = np.where(lost_with(EVENT_GROUPS[group]), np.float32(np.nan), data.windows.vectors)
    scores = np.asarray(model.inplace_predict(blind))
    known = ~np.isnan(pressed)
    ranked = (scores[known & (pressed == 1)][:, None] > scores[known & (pressed == 0)][None, :]).mean()
    assert ranked > 0.85


def test_windows_without_a_label_are_left_out(data: TrainingData, settings: TrainingSettings) -> None:
    pressed = data.labels.pressed[:, AXES.index(Axis.MEMBW)].copy()
    half = np.arange(len(pressed)) % 2 == 0
    masked = np.where(half, pressed, np.nan)
    one = fit_axis(data.windows.vectors, masked, settings)
    other = fit_axis(data.windows.vectors[half], pressed[half], settings)
    assert np.array_equal(one.inplace_predict(data.windows.vectors), other.inplace_predict(data.windows.vectors))
