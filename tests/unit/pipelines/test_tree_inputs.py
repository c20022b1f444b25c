"""What trees see has no holes, and rises with every pressure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES
from pipelines.tree_inputs import (
    ANSWER_COLUMNS,
    COUNTERS_COLUMNS,
    MONOTONE_COUNTERS,
    MONOTONE_PROBED,
    PROBED_COLUMNS,
    TreeInputs,
)
from serving.interference_row import INTERFERENCE_COLUMNS, RISING_COLUMNS


def rows(*named: dict[str, float]) -> np.ndarray:
    matrix = np.full((len(named), len(INTERFERENCE_COLUMNS)), np.nan, dtype=np.float32)
    for row, values in zip(matrix, named, strict=True):
        for name, value in values.items():
            row[INTERFERENCE_COLUMNS.index(name)] = value
    return matrix


SEEN = rows(
    {"domain.dram_utilisation": 0.1, "victim.sensitivity.llc": 1.5, "others.highest.llc": 0.25},
    {"domain.dram_utilisation": 0.2, "victim.sensitivity.llc": 3.0, "others.highest.llc": 0.5},
    {"domain.dram_utilisation": 0.9},
)


def of_probed(inputs: TreeInputs, row: np.ndarray) -> dict[str, float]:
    return dict(zip((*PROBED_COLUMNS, *ANSWER_COLUMNS), inputs.of_probed(row)[0].tolist(), strict=True))


def test_a_domains_pressure_that_nobody_counted_is_the_median_of_training() -> None:
    unknown = TreeInputs.of(SEEN).of_counters(rows({}))
    assert unknown[0, COUNTERS_COLUMNS.index("domain.dram_utilisation")] == np.float32(0.2)


def test_a_sensitivity_that_nobody_probed_is_the_highest_of_training() -> None:
    assert of_probed(TreeInputs.of(SEEN), rows({}))["victim.sensitivity.llc"] == 3.0


def test_what_training_never_saw_is_zero() -> None:
    assert of_probed(TreeInputs.of(SEEN), rows({}))["others.highest.upi"] == 0.0


def test_an_answer_is_the_excess_slowdown_times_how_fully_the_axis_is_pressed() -> None:
    said = of_probed(TreeInputs.of(SEEN), rows({"victim.sensitivity.llc": 1.5, "others.highest.llc": 0.25}))
    assert said["answer.llc"] == 0.25
    assert said["answer.highest"] == said["answer.all_axes"] == 0.25


def test_beyond_the_fullest_pressure_of_training_an_answer_rises_no_further() -> None:
    said = of_probed(TreeInputs.of(SEEN), rows({"victim.sensitivity.llc": 2.0, "others.highest.llc": 0.9}))
    assert said["answer.llc"] == 1.0


def test_a_constraint_stands_for_every_column() -> None:
    inputs = TreeInputs.of(SEEN)
    assert len(MONOTONE_COUNTERS) == inputs.of_counters(SEEN).shape[1]
    assert len(MONOTONE_PROBED) == inputs.of_probed(SEEN).shape[1]


@given(
    column=st.sampled_from(RISING_COLUMNS),
    low=st.floats(0, 8, width=32),
    rise=st.floats(0, 8, width=32),
    sensitivity=st.floats(0.5, 9, width=32),
)
def test_inputs_of_probed_victims_never_fall_where_a_pressure_or_a_sensitivity_rises(
    column: str, low: float, rise: float, sensitivity: float
) -> None:
    inputs = TreeInputs.of(SEEN)
    base = {f"victim.sensitivity.{axis}": sensitivity for axis in AXES}
    less, more = inputs.of_probed(rows(base | {column: low}, base | {column: low + rise}))
    assert (more >= less).all()


@given(st.lists(st.one_of(st.just(np.nan), st.floats(0, 9, width=32)), min_size=len(AXES), max_size=len(AXES)))
def test_nothing_is_missing_and_inputs_survive_their_json(sensitivities: list[float]) -> None:
    inputs = TreeInputs.of(SEEN)
    row = rows({f"victim.sensitivity.{axis}": value for axis, value in zip(AXES, sensitivities, strict=True)})
    again = TreeInputs.from_json(inputs.to_json())
    for name in ("of_counters", "of_probed"):
        ready = getattr(inputs, name)(row)
        assert not np.isnan(ready).any()
        np.testing.assert_array_equal(ready, getattr(again, name)(row))
    assert again.to_json() == inputs.to_json()


def test_rows_that_press_nothing_have_no_answers() -> None:
    inputs = TreeInputs.of(rows({"victim.sensitivity.llc": 2.0, "others.highest.llc": 0.0}))
    assert of_probed(inputs, rows({}))["answer.all_axes"] == pytest.approx(0.0)
