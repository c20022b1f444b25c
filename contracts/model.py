"""The pydantic base that the contracts' documents share: frozen, strict about unknown keys, camelCase on the wire."""

import re
from collections.abc import Container
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from contracts.errors import ContractError


def _in_utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time that says its zone, kept in UTC and written with ``Z``."""


class Document(BaseModel):
    """A frozen document of a contract, read from and written to JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
    )

    @classmethod
    def from_json(cls, content: bytes | str) -> Self:
        """Read a document. Types are taken at their word: a number in quotes is no number.

        Raises:
            ContractError: the text is torn or no JSON, or breaks the contract; says where and what was meant.
        """
        try:
            return cls.model_validate_json(content, strict=True)
        except ValidationError as error:
            raise ContractError(f"{cls.__name__} is refused: {one_sentence(error)}") from error

    def to_json(self, *, indent: int | None = None) -> bytes:
        """Write the document with its wire names."""
        return self.model_dump_json(indent=indent).encode()


def one_sentence(error: ValidationError) -> str:
    """The first complaint of a validation, with the place and how many more there are."""
    first, *others = error.errors(include_url=False)
    place = ".".join(str(part) for part in first["loc"]) or "document"
    more = f" (and {len(others)} more)" if others else ""
    return f"{place}: {first['msg']}{more}"


def without_prose(schema: object) -> object:
    """A JSON schema without titles and descriptions, for digests: prose may be worded better without a new contract.

    >>> without_prose({"title": "A", "properties": {"title": {"type": "string", "description": "Said so."}}})
    {'properties': {'title': {'type': 'string'}}}
    """
    match schema:
        case dict():
            return {
                key: without_prose(value)
                for key, value in schema.items()
                if not (key in {"title", "description"} and isinstance(value, str))
            }
        case list():
            return [without_prose(entry) for entry in schema]
    return schema


def on_the_wire(prose: str, names: Container[str]) -> str:
    """A docstring in one line, fields called by their names on the wire.

    >>> on_the_wire("Of ``some_share``,\\n    and ``other``.", {"someShare"})
    'Of ``someShare``, and ``other``.'

    Args:
        prose: what the model's docstring says.
        names: the fields' names on the wire.
    """

    def renamed(match: re.Match[str]) -> str:
        name = to_camel(match[1])
        return f"``{name}``" if name in names else match[0]

    return re.sub(r"``([a-z_0-9]+)``", renamed, " ".join(prose.split()))
