import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, from_json, to_json
from feature_repo.rows import from_rows
from feature_repo.vector_columns import VectorColumns
from feature_repo.vector_lines import decode
from tests.unit.feature_repo.vectors import vector

WIDTH = len(FEATURE_SCHEMA_V1)
GOOD = to_json(vector(0))

ODD_NUMBERS = (
    *("-0.0", "-0", "0", "1e400", "-1e-400", "1e38", "3.5e38", "01", "1.", ".5", "+1", "NaN", "Infinity", "nul", "[]"),
    *("1E-2", "0.1e+1", "true", '"1"', "{}", "", "9" * 18, "9" * 400, "0." + "3" * 60, "1e99999", "0x1", "1_0", " 1"),
)


def judged_by_the_contract(line: bytes | str) -> FeatureVector | str:
    try:
        return from_json(line)
    except ContractError as error:
        return str(error)


def judged(lines: list[bytes | str]) -> list[FeatureVector | str]:
    decoded = decode(lines)
    vectors = from_rows(decoded.columns.rows())
    found: dict[int, FeatureVector | str] = dict(zip(decoded.places, vectors, strict=True))
    assert list(decoded.places) == sorted(decoded.places)
    assert not set(found).intersection(decoded.refused)
    return [(found | decoded.refused)[place] for place in range(len(lines))]


@st.composite
def written_lines(draw: st.DrawFn) -> bytes:
    """Lines as an agent writes them, a few things changed."""
    document: dict[str, Any] = json.loads(to_json(vector(draw(st.integers(0, 10**6)), seed=draw(st.integers(0, 99)))))
    document["node"] = draw(
        st.sampled_from(["node-a", "a" * 253, "a" * 254, "", 'quo"te', "back\\slash", "naïve", "\0"])
    )
    document["domain"] = draw(st.sampled_from(["socket0", "b" * 63, "b" * 64, ""]))
    document["windowStartNs"] = draw(st.sampled_from([0, 10**18, 2**63 - 1, 2**63, 10**19, -1, 1.0, "1", True, None]))
    document["windowLengthNs"] = draw(st.sampled_from([0, 1, 10**10, 2**63 - 1, -5]))
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=draw(st.booleans()))
    for number in draw(st.lists(st.sampled_from(ODD_NUMBERS), max_size=2)):
        text = text.replace("null", number, 1)
    return text.encode()


@st.composite
def cut_lines(draw: st.DrawFn) -> bytes:
    """A good line, some bytes of which are other ones."""
    line = bytearray(GOOD)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line) - 1))
        line[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(line)


@st.composite
def lines_of_any_values(draw: st.DrawFn) -> bytes:
    """Every float32, in its range or not."""
    values = draw(st.lists(st.none() | st.floats(width=32) | st.floats(0, 1), min_size=WIDTH - 1, max_size=WIDTH + 1))
    document = json.loads(GOOD) | {"values": values}
    return json.dumps(document, separators=(",", ":")).encode()


@given(lines=st.lists(written_lines() | cut_lines() | lines_of_any_values() | st.just(GOOD) | st.text(), max_size=5))
def test_lines_are_judged_as_the_contract_judges_each(lines: list[bytes | str]) -> None:
    assert judged(lines) == [judged_by_the_contract(line) for line in lines]


def test_some_of_the_columns_in_another_order() -> None:
    vectors = [vector(start) for start in (0, 10, 20)]
    taken = VectorColumns.of(vectors).take([2, 0])
    assert from_rows(taken.rows()) == (vectors[2], vectors[0])
    assert from_rows((taken + VectorColumns.of(vectors[:1])).rows()) == (vectors[2], vectors[0], vectors[0])
    assert [key[2] for key in taken.window_keys()] == [vectors[2].window_start_ns, vectors[0].window_start_ns]
