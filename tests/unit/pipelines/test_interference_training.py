"""More pressure never predicts less slowdown, ignorance never helps, and fingerprints are not learnt by heart."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contracts.axis import AXES
from contracts.profile import Tier
from pipelines.errors import DataError
from pipelines.interference_training import QuantileModel, fit_quantile
from pipelines.settings import TrainingSettings
from pipelines.training_data import TrainingData
from pipelines.tree_inputs import SENSITIVITIES
from serving.interference_row import DOMAIN_PRESSURES, INTERFERENCE_COLUMNS, RISING_COLUMNS, column_index

FINGERPRINTS = [
    index
    for index, column in enumerate(INTERFERENCE_COLUMNS)
    if column.startswith("victim.pressure.") or (column.startswith("domain.") and column not in RISING_COLUMNS)
]
DOMAIN = [INTERFERENCE_COLUMNS.index(f"domain.{name}") for name in DOMAIN_PRESSURES]


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


@hypothesis_settings(max_examples=60, deadline=None)
@given(row=st.integers(0, 10_000), pressures=st.lists(st.floats(0.0, 7.0, width=32), min_size=8, max_size=8))
def test_one_more_resident_never_predicts_less(
    model: QuantileModel, data: TrainingData, row: int, pressures: list[float]
) -> None:
    pair = np.stack([data.rows.matrix[row % len(data.rows.matrix)]] * 2)
    newcomer = np.array(pressures, dtype=np.float32)
    highest = column_index([f"others.highest.{axis}" for axis in AXES])
    second = column_index([f"others.second.{axis}" for axis in AXES])
    pair[1, second] = np.maximum(pair[0, second], np.minimum(pair[0, highest], newcomer))
    pair[1, highest] = np.maximum(pair[0, highest], newcomer)
    pair[1, INTERFERENCE_COLUMNS.index("others.count")] += 1
    without, with_it = model.predict(pair)
    assert with_it >= without


def test_a_probed_victims_fingerprint_does_not_count(model: QuantileModel, data: TrainingData) -> None:
    rows = data.rows.matrix[data.rows.of_tier(Tier.PROBED)]
    other = rows.copy()
    other[:, FINGERPRINTS] = 0.77
    assert np.array_equal(model.predict(rows), model.predict(other))


def test_a_victim_without_probes_is_judged_by_its_counters(model: QuantileModel, data: TrainingData) -> None:
    rows = data.rows.matrix[data.rows.of_tier(Tier.COUNTERS)]
    said = model.counters.inplace_predict(model.inputs.of_counters(rows))
    assert np.array_equal(model.predict(rows), np.float64(said))


@hypothesis_settings(max_examples=100, deadline=None)
@given(row=st.integers(0, 10_000), missing=st.sets(st.sampled_from(DOMAIN), min_size=1), share=st.floats(0.0, 1.0))
def test_a_domain_whose_pressure_nobody_counted_is_bounded_no_lower_than_a_quieter_one(
    model: QuantileModel, data: TrainingData, row: int, missing: set[int], share: float
) -> None:
    pair = np.stack([data.rows.matrix[row % len(data.rows.matrix)]] * 2)
    columns = sorted(missing)
    pair[0, columns] = np.nan
    pair[1, columns] = np.float32(share) * np.nanmedian(data.rows.matrix[:, columns], axis=0)
    unknown, quieter = model.predict(pair)
    assert unknown >= quieter


@hypothesis_settings(max_examples=100, deadline=None)
@given(row=st.integers(0, 10_000), unprobed=st.sets(st.sampled_from(SENSITIVITIES.tolist()), min_size=1, max_size=7))
def test_an_axis_that_nobody_probed_counts_as_the_worst_known(
    model: QuantileModel, data: TrainingData, row: int, unprobed: set[int]
) -> None:
    probed = data.rows.matrix[data.rows.of_tier(Tier.PROBED)]
    pair = np.stack([probed[row % len(probed)]] * 2)
    pair[0, sorted(unprobed)] = np.nan
    assume(not np.isnan(pair[0, SENSITIVITIES]).all())
    unknown, known = model.predict(pair)
    assert unknown >= known


def test_a_model_that_does_not_say_how_rows_are_made_ready_is_refused(model: QuantileModel, data: TrainingData) -> None:
    mute = model.counters.copy()
    mute.set_attr(**{"leeward.tree_inputs": None})
    with pytest.raises(DataError, match="does not say how its rows are made ready"):
        QuantileModel(counters=mute, probed=None).predict(data.rows.matrix)


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
