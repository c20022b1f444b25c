from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from contracts.errors import ContractError
from contracts.model import Document, UtcTime, one_sentence


class Inner(Document):
    some_share: float


class Outer(Document):
    """An example."""

    long_name: int
    parts: tuple[Inner, ...] = ()
    at: UtcTime | None = None


def test_names_are_snake_case_here_and_camel_case_on_the_wire() -> None:
    document = Outer(long_name=1, parts=(Inner(some_share=0.5),))
    assert document.to_json() == b'{"longName":1,"parts":[{"someShare":0.5}],"at":null}'
    assert Outer.from_json(document.to_json()) == document
    assert Outer.from_json(document.to_json(indent=2)) == document


def test_a_document_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Outer(long_name=1).long_name = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Outer is refused: document: Invalid JSON"),
        ('{"longName": 1', "Outer is refused: document: Invalid JSON"),
        (b'{"longName": 1, "\xff": 2}', "Invalid JSON"),
        ("[]", "Outer is refused: document: Input should be an object"),
        ("{}", "longName: Field required"),
        ('{"longName": 1, "odd": 2}', "odd: Extra inputs are not permitted"),
        ('{"longName": "1"}', "longName: Input should be a valid integer"),
        ('{"longName": 1.0}', "longName: Input should be a valid integer"),
        ('{"longName": true}', "longName: Input should be a valid integer"),
        ('{"longName": 1, "parts": [{"someShare": "0.5"}]}', r"parts\.0\.someShare: Input should be a valid number"),
        ('{"longName": 1, "parts": [{"someShare": true}]}', r"parts\.0\.someShare: Input should be a valid number"),
        ('{"longName": 1, "parts": [{"someShare": NaN}]}', r"parts\.0\.someShare: Input should be a finite number"),
        ('{"longName": 1, "parts": [{"someShare": 1e999}]}', r"parts\.0\.someShare: Input should be a finite number"),
        ('{"longName": 1, "parts": [{}, {}]}', r"parts\.0\.someShare: Field required \(and 1 more\)"),
        ('{"longName": 1, "at": 0}', r"at: "),
        ('{"longName": 1, "at": "2026-01-02T03:04:05"}', "at: Input should have timezone info"),
        ("[" * 100_000, "Invalid JSON"),
    ],
)
def test_what_is_refused_is_refused_with_its_place(content: str | bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        Outer.from_json(content)


def test_times_are_kept_in_utc_and_written_with_a_z() -> None:
    there = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    document = Outer(long_name=1, at=there)
    assert document.at == there
    assert document.at is not None
    assert document.at.tzinfo is UTC
    assert b'"at":"2026-01-02T01:04:05Z"' in document.to_json()
    assert Outer.from_json('{"longName": 1, "at": "2026-01-02T03:04:05+02:00"}') == document


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Outer(long_name=1, at=datetime(2026, 1, 2))  # noqa: DTZ001


def test_one_sentence_names_the_whole_document_where_no_part_is_to_blame() -> None:
    with pytest.raises(ValidationError) as refusal:
        Outer.model_validate("text")
    assert one_sentence(refusal.value).startswith("document: ")
