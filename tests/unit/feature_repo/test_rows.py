import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from contracts.vector_arrow import to_arrow
from feature_repo.rows import ceil_to_microseconds, from_rows, to_rows
from tests.unit.feature_repo.vectors import random_values, vector

windows = st.tuples(st.integers(0, 2**61), st.integers(1, 2**61))


@given(windows, st.integers(0, 2**32))
def test_rows_are_the_vector_to_the_nanosecond(window: tuple[int, int], seed: int) -> None:
    one = FeatureVector(
        node="n", domain="d", window_start_ns=window[0], window_length_ns=window[1], values=random_values(seed)
    )
    assert from_rows(to_rows([one])) == (one,)


@given(st.lists(st.integers(0, 10**6), max_size=20))
def test_rows_hold_what_the_contracts_own_rows_hold(seeds: list[int]) -> None:
    vectors = [vector(seed / 7, node=f"node-{seed % 3}", seed=seed, length_ns=1 + seed) for seed in seeds]
    rows, contract = to_rows(vectors), to_arrow(vectors)
    for name in ("node", "domain", "window_length_ns", *FEATURE_SCHEMA_V1.names):
        assert rows.column(name).to_pylist() == contract.column(name).to_pylist()
    assert rows.column("feature_schema").to_pylist() == [FEATURE_SCHEMA_V1.digest] * len(vectors)


@given(windows)
def test_an_event_is_never_earlier_than_the_windows_end(window: tuple[int, int]) -> None:
    one = FeatureVector(
        node="n", domain="d", window_start_ns=window[0], window_length_ns=window[1], values=random_values(0)
    )
    event_us = to_rows([one]).column("event_timestamp").cast(pa.int64())[0].as_py()
    assert 0 <= event_us * 1000 - one.window_end_ns < 1000


def test_ceil_keeps_a_whole_microsecond() -> None:
    assert [ceil_to_microseconds(value) for value in (0, 1, 999, 1000, 1001)] == [0, 1, 1, 1, 2]


def test_missing_is_null_and_zero_is_zero() -> None:
    values = random_values(0, missing=0)
    values[0], values[1] = np.nan, 0.0
    one = FeatureVector(node="n", domain="d", window_start_ns=0, window_length_ns=1, values=values)
    row = to_rows([one]).to_pylist()[0]
    assert row[FEATURE_SCHEMA_V1.names[0]] is None
    assert row[FEATURE_SCHEMA_V1.names[1]] == 0.0


def test_rows_of_another_schema_are_refused() -> None:
    rows = to_rows([vector(), vector(10)])
    place = rows.column_names.index("feature_schema")
    foreign = rows.set_column(place, "feature_schema", pa.array([FEATURE_SCHEMA_V1.digest, "sha256:beef"]))
    with pytest.raises(ContractError, match="feature store: its schema is sha256:beef"):
        from_rows(foreign)
