"""The pydantic base that the contracts' documents share: frozen, strict about unknown keys, camelCase on the wire."""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from contracts.errors import ContractError


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
        """Read a document.

        Raises:
            ContractError: the text is no JSON, or breaks the contract; says where and what was meant.
        """
        try:
            return cls.model_validate_json(content)
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
