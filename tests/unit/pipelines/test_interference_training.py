"""More pressure never predicts less slowdown, and a victim's fingerprint is not learnt by heart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contracts.profile import Tier
from pipelines.interference_training import QuantileModel, fit_quantile
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from serving.interference_row import INTERFERENCE_COLUMNS, RISING_COLUMNS

FINGERPRINTS = [
    index
    for index, column in enumerate(INTERFERENCE_COLUMNS)
    if column.startswith("victim.pressure.") or (column.startswith("domain.") and column not in RISING_COLUMNS)
]


@pytest.fixture(scope="module")
def model(data: TrainingData, settings: TrainingSettings) -> QuantileModel:
    return fit_quantile(data.rows, np.ones(len(data.rows.trace), dtype=np.bool_), quantile=0.9, settings=settings)


@hypothesis_settings(max_examples=100, deadline=None)
@given(row=st.integers(0, 400), column=st.sampled_from(RISING_COLUMNS), rise=st.floats(0.0, 5.0, width=32))
def test_more_pressure_never_predicts_less(
    model: QuantileModel, data: TrainingData, row: int, column: str, rise: float
) -> None:
    pair = np.stack([data.rows.matrix[row % len(data.rows.matrix)]] * 2)
    pair[1, INTERFERENCE_COLUMNS.index(column)] += rise
    less, more = model.predict(pair)
    assert more >= less


def test_a_probed_victims_fingerprint_does_not_count(model: QuantileModel, data: TrainingData) -> None:
    rows = data.rows.matrix[data.rows.of_tier(Tier.PROBED)]
    other = rows.copy()
    other[:, FINGERPRINTS] = 0.77
    assert np.array_equal(model.predict(rows), model.predict(other))


def test_a_victim_without_probes_is_judged_by_its_counters(model: QuantileModel, data: TrainingData) -> None:
    rows = data.rows.matrix[data.rows.of_tier(Tier.COUNTERS)]
    assert np.array_equal(model.predict(rows), np.float64(model.counters.inplace_predict(rows)))


def test_sensitivities_tell_victims_apart(model: QuantileModel, data: TrainingData) -> None:
    probed = data.rows.of_tier(Tier.PROBED)
    mild, touchy = data.rows.matrix[probed].copy(), data.rows.matrix[probed].copy()
    columns = [index for index, name in enumerate(INTERFERENCE_COLUMNS) if name.startswith("victim.sensitivity.")]
    mild[:, columns], touchy[:, columns] = 1.0, 2.0
    assert (model.predict(touchy) - model.predict(mild)).mean() > 0.1


def test_the_quantile_holds_for_what_it_was_fitted_on(model: QuantileModel, data: TrainingData) -> None:
    assert (data.rows.log_slowdown <= model.predict(data.rows.matrix)).mean() == pytest.approx(0.9, abs=0.07)


def test_without_any_probed_victim_counters_answer_for_all(data: TrainingData, settings: TrainingSettings) -> None:
    blind = fit_quantile(data.rows, data.rows.of_tier(Tier.COUNTERS), quantile=0.5, settings=settings)
    assert blind.probed is None
    assert np.isfinite(blind.predict(data.rows.matrix)).all()
