import json

import numpy as np
import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector_values import VectorValues
from tests.contract.strategies import document_values

ADAPTER: TypeAdapter[tuple[float | None, ...]] = TypeAdapter(VectorValues)
WIDTH = len(FEATURE_SCHEMA_V1)


@given(document_values())
def test_values_are_float32_and_read_back_the_same(drawn: tuple[float | None, ...]) -> None:
    read = ADAPTER.validate_python(drawn)
    assert ADAPTER.validate_json(ADAPTER.dump_json(read)) == read
    for value in read:
        assert value is None or float(str(np.float32(value))) == value


def test_a_double_becomes_the_float32_that_arrow_and_onnx_hold() -> None:
    assert ADAPTER.validate_python((1 / 3,) * WIDTH) == (0.33333334,) * WIDTH


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5] * (WIDTH - 1), "at least 31 items"),
        ([0.5] * (WIDTH + 1), "at most 31 items"),
        ([1.5, *[0.5] * (WIDTH - 1)], r"l3_miss_ratio is 1.5, outside \[0.0, 1.0\]"),
        ([11.0, *[0.5] * (WIDTH - 1)], "less than or equal to 10"),
        (["x", *[0.5] * (WIDTH - 1)], "valid number"),
    ],
)
def test_each_value_is_held_to_its_own_range(values: list[object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ADAPTER.validate_json(json.dumps(values))
