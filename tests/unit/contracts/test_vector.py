import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1, FeatureSchema
from contracts.vector import (
    LARGEST_NS,
    FeatureVector,
    FloatArray,
    from_counts,
    from_json,
    from_json_values,
    from_onnx_input,
    to_json,
    to_json_values,
    to_onnx_input,
)
from tests.contract.strategies import values, vectors

OTHER_SCHEMA = FeatureSchema.of(2, FEATURE_SCHEMA_V1.features)
WIDTH = len(FEATURE_SCHEMA_V1)


def plain(fill: float = 0.5, **changes: Any) -> FeatureVector:
    settings: dict[str, Any] = {
        "node": "n1",
        "domain": "socket0",
        "window_start_ns": 10**18,
        "window_length_ns": 10**10,
        "values": np.full(WIDTH, fill, np.float32),
    }
    return FeatureVector(**{**settings, **changes})


def document(**changes: Any) -> dict[str, Any]:
    return {**json.loads(to_json(plain())), **changes}


def with_value(index: int, value: object) -> list[object]:
    entries: list[object] = [0.5] * WIDTH
    entries[index] = value
    return entries


# --- Round trips. ---


@given(vectors())
def test_json_gives_back_the_vector(vector: FeatureVector) -> None:
    assert from_json(to_json(vector)) == vector


@given(vectors())
def test_json_bytes_stand_for_the_vector(vector: FeatureVector) -> None:
    assert to_json(from_json(to_json(vector))) == to_json(vector)


@given(values())
def test_json_values_give_back_every_bit_and_missing_as_null(given_values: FloatArray) -> None:
    entries = to_json_values(given_values)
    assert [entry is None for entry in entries] == np.isnan(given_values).tolist()
    assert np.array_equal(from_json_values(json.loads(json.dumps(entries))), given_values, equal_nan=True)


@given(st.lists(vectors(), max_size=4))
def test_onnx_input_gives_back_the_values(given_vectors: list[FeatureVector]) -> None:
    rows = to_onnx_input(given_vectors)
    assert rows.dtype == np.float32
    assert rows.shape == (len(given_vectors), WIDTH)
    assert rows.flags.c_contiguous
    for row, vector in zip(from_onnx_input(rows), given_vectors, strict=True):
        assert np.array_equal(row, vector.values, equal_nan=True)


def test_a_missing_value_stays_missing_everywhere() -> None:
    vector = plain(np.nan)
    assert vector.present_count == 0
    assert json.loads(to_json(vector))["values"] == [None] * WIDTH
    assert np.isnan(to_onnx_input([vector])).all()
    assert np.isnan(from_json(to_json(vector)).value("row_churn"))


def test_negative_zero_is_zero() -> None:
    assert to_json(plain(-0.0)) == to_json(plain(0.0))


def test_a_decimal_is_as_short_as_float32_allows() -> None:
    assert to_json_values(np.array([0.1, 1 / 3], np.float32)) == [0.1, 0.33333334]


# --- The value itself. ---


def test_values_are_copied_and_read_only() -> None:
    mine = np.full(WIDTH, 0.5, np.float32)
    vector = plain(values=mine)
    mine[0] = 0.9
    assert vector.values[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        vector.values[0] = 0.9


@given(vectors(), vectors())
def test_equal_vectors_have_equal_hashes_and_bytes(left: FeatureVector, right: FeatureVector) -> None:
    same = plain(0.25), plain(0.25)
    assert same[0] == same[1]
    assert len(set(same)) == 1
    assert (left == right) is (to_json(left) == to_json(right))
    assert left != "a vector"


def test_vectors_of_other_windows_or_values_differ() -> None:
    assert plain(0.25) != plain(0.5)
    assert plain(np.nan) == plain(np.nan)
    assert plain(window_start_ns=1) != plain()
    assert plain(schema=OTHER_SCHEMA) != plain()


def test_from_counts_is_every_feature_in_order() -> None:
    counts = {"LONGEST_LAT_CACHE.MISS": 1.0, "LONGEST_LAT_CACHE.REFERENCE": 4.0}
    vector = plain(values=from_counts(counts))
    assert vector.present_count == 1
    assert vector.value("l3_request_miss_ratio") == 0.25
    assert vector.window_end_ns == 10**18 + 10**10
    with pytest.raises(ContractError, match="no feature 'ghz'"):
        vector.value("ghz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.full(WIDTH, 0.5)}, "vector of n1/socket0: values are float64"),
        ({"values": np.full(WIDTH, 0.5, ">f4")}, "values are >f4"),
        ({"values": [0.5] * WIDTH}, "values are list"),
        ({"values": np.full(WIDTH - 1, 0.5, np.float32)}, rf"shape \({WIDTH - 1},\), the schema has {WIDTH}"),
        ({"values": np.full((1, WIDTH), 0.5, np.float32)}, r"shape \(1, 31\)"),
        ({"values": np.full(WIDTH, 1.5, np.float32)}, r"l3_miss_ratio is 1.5, outside \[0.0, 1.0\]"),
        ({"values": np.full(WIDTH, np.inf, np.float32)}, "l3_miss_ratio is inf"),
        ({"values": np.full(WIDTH, -0.1, np.float32)}, "outside"),
        ({"node": ""}, "names its node in 1 to 253"),
        ({"node": "n" * 254}, "names its node in 1 to 253"),
        ({"domain": ""}, "its domain in 1 to 63"),
        ({"domain": "d" * 64}, "its domain in 1 to 63"),
        ({"window_start_ns": -1}, "starts at -1 ns"),
        ({"window_length_ns": 0}, "lasts 0 ns"),
        ({"window_start_ns": LARGEST_NS}, "the end fits 63 bits"),
        ({"window_length_ns": 10**500}, "a number of 1661 bits"),
    ],
)
def test_what_breaks_the_contract_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        plain(**changes)


# --- Torn and foreign input. ---


@given(vectors(), st.data())
def test_every_torn_vector_is_refused(vector: FeatureVector, data: st.DataObject) -> None:
    content = to_json(vector)
    torn = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises(ContractError, match=r"^vector is torn or not JSON: "):
        from_json(torn)


def test_every_prefix_of_a_vector_is_refused() -> None:
    content = to_json(plain(values=np.linspace(0, 1, WIDTH, dtype=np.float32), node="nöde"))
    for end in range(len(content)):
        with pytest.raises(ContractError, match="torn or not JSON"):
            from_json(content[:end])


@given(vectors(), st.data())
def test_a_vector_with_a_byte_changed_is_refused_or_still_lawful(vector: FeatureVector, data: st.DataObject) -> None:
    content = bytearray(to_json(vector))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ContractError):
        read = from_json(bytes(content))
        assert from_json(to_json(read)) == read


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_else_is_refused_in_one_way(content: bytes | str) -> None:
    with pytest.raises(ContractError):
        from_json(content)


FOREIGN: dict[str, tuple[Callable[[], bytes | str], str]] = {
    "another schema": (
        lambda: to_json(plain(schema=OTHER_SCHEMA)),
        f"vector of n1/socket0: its schema is {OTHER_SCHEMA.digest}, this reader knows {FEATURE_SCHEMA_V1.digest} "
        r"\(feature vector v1\): upgrade the older",
    ),
    "a long schema": (lambda: json.dumps(document(schema="x" * 10**6)), "its schema is x{80}, this reader"),
    "a list": (lambda: "[]", "vector is a list; the contract says an object"),
    "a number": (lambda: "1", "vector is a int"),
    "nothing": (lambda: "null", "vector is a NoneType"),
    "a key too few": (
        lambda: json.dumps({key: value for key, value in document().items() if key != "node"}),
        "lacks node and has nothing too many",
    ),
    "a key too many": (lambda: json.dumps(document(extra=1)), "lacks nothing and has extra too many"),
    "a key twice": (lambda: to_json(plain())[:-1] + b',"node":"n2"}', "vector has node twice"),
    "NaN": (lambda: json.dumps(document(values=with_value(3, float("nan")))), "vector holds NaN, which is not JSON"),
    "Infinity": (lambda: json.dumps(document(values=with_value(3, float("inf")))), "vector holds Infinity"),
    "-Infinity": (lambda: json.dumps(document(values=with_value(3, float("-inf")))), "vector holds -Infinity"),
    "infinity by overflow": (lambda: json.dumps(document()).replace("0.5", "1e999", 1), "value 0 .* is no float32"),
    "beyond float32": (lambda: json.dumps(document(values=with_value(2, 1e39))), "value 2 of the vector is no float32"),
    "a huge integer": (lambda: json.dumps(document(values=with_value(2, 10**400))), "value 2 .* is no float32"),
    "digits without end": (lambda: json.dumps(document()).replace("0.5", "1" * 5000, 1), "torn or not JSON"),
    "out of range": (lambda: json.dumps(document(values=with_value(1, 1.1))), "l3_request_miss_ratio is 1.1"),
    "true": (lambda: json.dumps(document(values=with_value(5, True))), "value 5 of the vector is a bool"),
    "a string": (lambda: json.dumps(document(values=with_value(5, "0.5"))), "value 5 of the vector is a str"),
    "a list in the values": (lambda: json.dumps(document(values=with_value(5, [0.5]))), "value 5 .* is a list"),
    "too short": (lambda: json.dumps(document(values=[0.5] * (WIDTH - 1))), "values have shape"),
    "too long": (lambda: json.dumps(document(values=[0.5] * (WIDTH + 1))), "values have shape"),
    "values of another kind": (lambda: json.dumps(document(values={"a": 1})), "values is a dict, not list"),
    "no values": (lambda: json.dumps(document(values=None)), "values is a NoneType, not list"),
    "a node that is a number": (lambda: json.dumps(document(node=7)), "node is a int, not str"),
    "a window as text": (lambda: json.dumps(document(windowStartNs="0")), "windowStartNs is a str, not int"),
    "a window as a float": (lambda: json.dumps(document(windowStartNs=1e18)), "windowStartNs is a float, not int"),
    "a window that is true": (lambda: json.dumps(document(windowLengthNs=True)), "windowLengthNs is a bool, not int"),
    "a window beyond int64": (lambda: json.dumps(document(windowStartNs=2**63)), "the end fits 63 bits"),
    "a window that ends beyond int64": (
        lambda: json.dumps(document(windowStartNs=2**62, windowLengthNs=2**62)),
        "the end fits 63 bits",
    ),
    "a window of negative length": (lambda: json.dumps(document(windowLengthNs=-1)), "lasts -1 ns"),
    "deeply nested": (lambda: "[" * 100_000, "torn or not JSON"),
    "deeply nested in a key": (lambda: '{"node":' * 100_000, "torn or not JSON"),
    "no UTF-8": (lambda: to_json(plain()).replace(b"n1", b"n\xff"), "torn or not JSON"),
    "UTF-16": (lambda: to_json(plain()).decode().encode("utf-16"), "torn or not JSON"),
    "two vectors": (lambda: to_json(plain()) * 2, "torn or not JSON: Extra data"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_vector_is_refused_in_one_sentence(kind: str) -> None:
    make, message = FOREIGN[kind]
    with pytest.raises(ContractError) as refusal:
        from_json(make())
    assert re.search(message, str(refusal.value)), str(refusal.value)
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(WIDTH, np.float32), "has 1 dimensions, the contract says 2"),
        (np.zeros((2, WIDTH)), "ONNX input row 0: values are float64"),
        (np.zeros((2, WIDTH - 1), np.float32), "ONNX input row 0: values have shape"),
        (np.stack([np.zeros(WIDTH, np.float32), np.full(WIDTH, 2, np.float32)]), "row 1: l3_miss_ratio is 2.0"),
    ],
)
def test_foreign_onnx_input_is_refused(rows: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        from_onnx_input(rows)


def test_onnx_input_of_another_schema_is_refused() -> None:
    with pytest.raises(ContractError, match="vector of n1/socket0: its schema is"):
        to_onnx_input([plain(), plain(schema=OTHER_SCHEMA)])
