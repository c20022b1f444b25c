import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.formula import Constant, Counter, Logarithm, Number, Operation, evaluate, events_of, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A.X / B", 2.0),
        ("2 * (A.X - B) / A.X", 1.0),
        ("A.X - B - B", 0.0),
        ("A.X + B * 3", 10.0),
        ("log(A.X / B)", math.log(2.0)),
        ("log1p(1000 * B / A.X)", math.log(501.0)),
        ("BYTES_PER_DOUBLE_WORD * B", 8.0),
        ("0.5 * A.X", 2.0),
    ],
)
def test_arithmetic(text: str, value: float) -> None:
    assert evaluate(parse(text), {"A.X": 4.0, "B": 2.0}) == pytest.approx(value)


@pytest.mark.parametrize("text", ["A / B", "A / (B - B)", "log(A - A)", "log(A - B - B)", "log1p(0 - A)"])
def test_what_has_no_value_is_nan_and_never_zero(text: str) -> None:
    assert math.isnan(evaluate(parse(text), {"A": 1.0, "B": 0.0 if text == "A / B" else 1.0}))


def test_the_tree_says_what_the_text_says() -> None:
    assert parse("log1p(2 * A.B)") == Logarithm(True, Operation("*", Number(2.0), Counter("A.B")))
    assert parse("BYTES_PER_DOUBLE_WORD") == Constant("BYTES_PER_DOUBLE_WORD")


def test_events_are_those_it_reads() -> None:
    assert events_of(parse("log1p(A / (B + C.D)) + 2 * BYTES_PER_DOUBLE_WORD - A")) == {"A", "B", "C.D"}


def test_a_missing_event_is_a_key_error_to_the_caller() -> None:
    with pytest.raises(KeyError):
        evaluate(parse("A / B"), {"A": 1.0})


@pytest.mark.parametrize(
    "text",
    [
        "A ** B",
        "A // B",
        "-A",
        "exp(A)",
        "log(A, 2)",
        "log(A, base=2)",
        "A if B else C",
        "A > B",
        "'A'",
        "True",
        "1j",
        "1e999",
        "10" + "0" * 400,
        "max(A, B)",
        "A[0]",
        "f(A).b",
        "(A, B)",
        "lambda: A",
        "__import__('os').system('true')",
    ],
)
def test_only_arithmetic_is_read(text: str) -> None:
    with pytest.raises(ContractError, match="formula"):
        parse(text)


@pytest.mark.parametrize("text", ["", "A /", "A B", "(A", "A\x00"])
def test_a_torn_formula_is_no_expression(text: str) -> None:
    with pytest.raises(ContractError, match="is not an expression"):
        parse(text)


@given(st.floats(1e-3, 1e12), st.floats(1e-3, 1e12), st.floats(1e-3, 1e12))
def test_evaluation_is_pythons_own_arithmetic(a: float, b: float, c: float) -> None:
    text = "(A - B) / (A + C) * 3 - B / C"
    assert evaluate(parse(text), {"A": a, "B": b, "C": c}) == (a - b) / (a + c) * 3 - b / c
