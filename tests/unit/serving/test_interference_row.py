"""What the interference model sees, and that nothing in it is a sum over workloads."""

import math
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.vector import FloatArray
from serving.interference_row import (
    INTERFERENCE_COLUMNS,
    PRESSURE_COLUMNS,
    PRESSURE_FEATURE,
    RISING_COLUMNS,
    KnownWorkload,
    column_index,
    interference_row,
    known_workload,
    two_highest,
    worst_pressures_of,
)
from tests.unit.serving.small_bundle import profile

BEFORE = np.linspace(0, 1, len(FEATURE_SCHEMA_V1), dtype=np.float32)
WORST = np.full(len(AXES), 0.8, dtype=np.float32)
pressures = st.one_of(st.just(math.nan), st.floats(0, 1, width=32))


@st.composite
def workloads(draw: st.DrawFn) -> KnownWorkload:
    return KnownWorkload(
        key="w",
        tier=Tier.COUNTERS,
        conservative=False,
        pressures=np.array(draw(st.lists(pressures, min_size=len(AXES), max_size=len(AXES))), dtype=np.float32),
        sensitivities=np.full(len(AXES), np.nan, dtype=np.float32),
    )


def row(others: list[KnownWorkload], victim: KnownWorkload | None = None) -> FloatArray:
    known = victim or known_workload(profile())
    return interference_row(before=BEFORE, victim=known, others=others, worst_pressures=WORST)


def at(values: FloatArray, name: str) -> float:
    return float(values[INTERFERENCE_COLUMNS.index(name)])


def test_columns_stand_where_their_names_say() -> None:
    victim = known_workload(profile(pressure=0.25, sensitivity=2.0))
    light, heavy = known_workload(profile("light", pressure=0.3)), known_workload(profile("heavy", pressure=0.6))
    values = row([light, heavy], victim)
    assert values.shape == (len(INTERFERENCE_COLUMNS),)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[: len(BEFORE)], BEFORE)
    assert at(values, "victim.pressure.llc") == 0.25
    assert at(values, "victim.sensitivity.llc") == 2.0
    assert math.isnan(at(values, "victim.sensitivity.membw"))
    assert at(values, "others.highest.membw") == np.float32(0.6)
    assert at(values, "others.second.membw") == np.float32(0.3)
    assert at(values, "others.count") == 2.0


def test_alone_there_is_no_pressure_of_others() -> None:
    values = row([])
    assert all(at(values, name) == 0.0 for name in INTERFERENCE_COLUMNS if name.startswith("others."))


@given(st.lists(workloads(), max_size=6), st.randoms())
def test_order_of_co_runners_does_not_matter(others: list[KnownWorkload], shuffle: random.Random) -> None:
    shuffled = list(others)
    shuffle.shuffle(shuffled)
    np.testing.assert_array_equal(row(others), row(shuffled))


@given(st.lists(workloads(), max_size=6), workloads())
def test_one_more_co_runner_never_lowers_a_pressure(others: list[KnownWorkload], more: KnownWorkload) -> None:
    columns = column_index([name for name in PRESSURE_COLUMNS if name.startswith("others.")])
    assert (row([*others, more])[columns] >= row(others)[columns]).all()


@given(st.lists(workloads(), min_size=3, max_size=6))
def test_pressures_are_never_more_than_one_workloads_own(others: list[KnownWorkload]) -> None:
    highest, second = two_highest([other.pressures for other in others], worst_pressures=WORST)
    filled = np.array([np.where(np.isnan(other.pressures), WORST, other.pressures) for other in others])
    np.testing.assert_array_equal(highest, filled.max(axis=0))
    np.testing.assert_array_equal(second, np.sort(filled, axis=0)[-2])


def test_an_unknown_pressure_counts_as_the_highest_known() -> None:
    blind = known_workload(profile("blind", missing=[PRESSURE_FEATURE[Axis.MEMBW]]))
    values = row([blind])
    assert at(values, "others.highest.membw") == np.float32(0.8)
    assert at(values, "others.highest.llc") == np.float32(0.2)


def test_worst_pressures_are_the_populations_or_the_features_own_maximum() -> None:
    blind = [PRESSURE_FEATURE[Axis.UPI]]
    known = [known_workload(profile("a", pressure=0.3, missing=blind)), known_workload(profile("b", missing=blind))]
    worst = worst_pressures_of(known)
    assert worst[AXES.index(Axis.LLC)] == np.float32(0.3)
    assert worst[AXES.index(Axis.UPI)] == 1.0
    assert worst_pressures_of([])[AXES.index(Axis.TLB)] == 7.0


def test_every_rising_column_exists_once() -> None:
    assert len(set(INTERFERENCE_COLUMNS)) == len(INTERFERENCE_COLUMNS)
    assert set(RISING_COLUMNS) <= set(INTERFERENCE_COLUMNS)
    assert not any("sum" in name for name in INTERFERENCE_COLUMNS)
