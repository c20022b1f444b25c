import json
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.canonical import canonical_json, digest, digest_of_bytes
from contracts.errors import ContractError

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
documents = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20)


class Colour(StrEnum):
    RED = "red"


@given(documents)
def test_it_is_json_that_says_the_same(document: object) -> None:
    assert json.loads(canonical_json(document)) == document


@given(documents)
def test_writing_what_was_read_gives_the_same_bytes(document: object) -> None:
    assert canonical_json(json.loads(canonical_json(document))) == canonical_json(document)


@given(st.dictionaries(text, scalars))
def test_the_order_of_keys_does_not_matter(document: dict[str, object]) -> None:
    assert digest(dict(reversed(document.items()))) == digest(document)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-5, "1e-05"),
        (2.0**53, "9007199254740992.0"),
        (1e300, "1e+300"),
        (True, "true"),
        ((1, 2), "[1,2]"),
        (Colour.RED, '"red"'),
        (np.float64(0.5), "0.5"),
        ("é", '"é"'),
    ],
)
def test_one_spelling_a_value(value: object, text: str) -> None:
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"\$ is nan"),
        ({"a": [0.0, float("inf")]}, r"\$\.a\[1\] is inf"),
        ({"a": {1: 2}}, r"\$\.a has the key 1"),
        ({"a": b"x"}, r"\$\.a is a bytes"),
        ([np.float32(1)], r"\$\[0\] is a float32"),
        ("\ud800", "no Unicode text"),
        ({1, 2}, r"\$ is a set"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        canonical_json(value)


def test_a_digest_names_its_algorithm() -> None:
    assert digest_of_bytes(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest({}) == digest_of_bytes(b"{}")
