"""Rows that are read together are taken, refused and understood exactly as the contract reads each by itself."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import LabelledTrace
from contracts.trace_arrow import arrow_schema, to_arrow
from eval.traces.row_check import RowError, trace_of
from eval.traces.rows_together import RowsTogether
from tests.unit.eval.traces.lab import row, rows


def batch_of(plain: list[dict[str, Any]]) -> pa.RecordBatch:
    (batch,) = pa.Table.from_pylist(plain, schema=arrow_schema()).to_batches()
    return batch


def around(place: int) -> list[float | None]:
    """Values of one feature at its range's ends, next to them and far from them, and such as are none."""
    spec = FEATURE_SCHEMA_V1.features[place]
    ends = [np.float32(spec.minimum), np.float32(spec.maximum)]
    near = [float(np.nextafter(end, np.float32(far))) for end in ends for far in (-math.inf, math.inf)]
    return [None, math.nan, math.inf, -math.inf, -0.0, 0.0, *map(float, ends), *near]


@st.composite
def odd_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of which some have another value in one of their vectors."""
    plain: list[dict[str, Any]] = to_arrow(rows()[:3]).to_pylist()
    for each in plain:
        if draw(st.booleans()):
            place = draw(st.integers(0, len(FEATURE_SCHEMA_V1) - 1))
            each[draw(st.sampled_from(["before", "during"]))][place] = draw(st.sampled_from(around(place)))
    return plain


def complaint(read: Callable[[], object]) -> tuple[str, str] | None:
    """Why a row is refused, if it is."""
    try:
        read()
    except RowError as error:
        return error.kind, str(error)
    return None


@given(plain=odd_rows())
def test_together_or_each_by_itself_the_same_rows_are_good_for_the_same_reasons(plain: list[dict[str, Any]]) -> None:
    batch = batch_of(plain)
    together = RowsTogether(batch)
    for place, each in enumerate(batch.to_pylist()):
        refused = complaint(partial(trace_of, each, LabelledTrace))
        assert complaint(partial(together.trace, place)) == refused
        if refused is None:
            found, meant = together.trace(place), trace_of(each, LabelledTrace)
            assert np.array_equal(found.before_values, meant.before_values, equal_nan=True)
            assert np.array_equal(found.during_values, meant.during_values, equal_nan=True)
            vectors = {"before", "during"}
            assert found.model_dump(exclude=vectors) == meant.model_dump(exclude=vectors)


def test_a_missing_value_is_null_and_a_number_that_is_none_is_refused() -> None:
    plain = to_arrow([row(0), row(1)]).to_pylist()
    plain[0]["during"][3], plain[1]["during"][3] = None, math.nan
    together = RowsTogether(batch_of(plain))
    assert math.isnan(together.trace(0).during_values[3])
    with pytest.raises(RowError, match="finite number"):
        together.trace(1)


def test_equal_vectors_are_equal_bytes() -> None:
    plain = to_arrow([row(0), row(0), row(1)]).to_pylist()
    plain[0]["during"][0], plain[1]["during"][0] = 0.0, -0.0
    first, same, other = (RowsTogether(batch_of(plain)).trace(place) for place in range(3))
    assert first.during == same.during != other.during


def test_part_of_a_batch_has_its_own_vectors() -> None:
    whole = batch_of(to_arrow(rows()).to_pylist())
    part = RowsTogether(whole.slice(2, 3))
    for place, meant in enumerate(rows()[2:5]):
        trace = part.trace(place)
        assert trace.victim == meant.victim
        assert np.array_equal(trace.during_values, meant.during_values, equal_nan=True)


def test_what_is_wrong_beside_the_vectors_is_refused_too() -> None:
    plain = to_arrow(rows()[:2]).to_pylist()
    plain[1]["slowdown"] = 2.0
    together = RowsTogether(batch_of(plain))
    assert together.trace(0).slowdown == 1.25
    with pytest.raises(RowError, match=r"its indicator says 1\.25"):
        together.trace(1)
