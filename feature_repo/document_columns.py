"""How a contract's document stands in Feast: one flat column a field, made from the model's own fields.

A nested document becomes one column for each of its fields, a feature vector one for each feature. What has no flat
form (a list of parties, response curves) is JSON in a string. Nothing is lost: ``restore`` gives the document back.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Generic, Literal, Self, TypeVar, get_args, get_origin

import pyarrow as pa
from pydantic import ValidationError

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document, one_sentence
from contracts.vector_values import VectorValues

D = TypeVar("D", bound=Document)

FieldPath = tuple[str, ...]
"""A field's name, after those of the documents around it."""

_VECTOR_ANNOTATION = get_args(VectorValues)[0]
_SCALARS: Mapping[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: in Feast.
        type: in Arrow; every column may be null there, since Feast's are.
        path: of the field that it holds.
        feature: which feature of the vector that the field is; ``None`` where it is none.
        is_json: the field has no flat form.
        description: for people who look at the view.
    """

    name: str
    type: pa.DataType
    path: FieldPath
    feature: int | None = None
    is_json: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class DocumentColumns(Generic[D]):
    """All columns of one contract's documents."""

    model: type[D]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, model: type[D], *, prefix: str, join_keys: Mapping[FieldPath, str]) -> Self:
        """The columns of a model.

        Args:
            prefix: what a column's name begins with, so that views can be read together.
            join_keys: fields that Feast joins by, and their names there.
        """
        return cls(model, tuple(_columns_of(model, (), prefix=prefix, join_keys=join_keys)))

    @property
    def schema(self) -> pa.Schema:
        """The columns in Arrow."""
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])

    def flat(self, documents: Sequence[D]) -> pa.Table:
        """One row a document."""
        dumps = [document.model_dump(mode="json", by_alias=False) for document in documents]
        return pa.table(
            [pa.array([_value(dump, column) for dump in dumps], column.type) for column in self.columns],
            schema=self.schema,
        )

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> tuple[D, ...]:
        """The documents of rows; columns that are not the contract's are left alone.

        Raises:
            ContractError: a row breaks the contract.
        """
        return tuple(self._restore(row) for row in rows)

    def _restore(self, row: Mapping[str, Any]) -> D:
        fields: dict[str, Any] = {}
        for column in self.columns:
            holder = fields
            for name in column.path[:-1]:
                holder = holder.setdefault(name, {})
            value = row[column.name]
            if column.feature is not None:
                holder.setdefault(column.path[-1], []).append(value)
            else:
                holder[column.path[-1]] = json.loads(value) if column.is_json and value is not None else value
        try:
            return self.model.model_validate(fields)
        except ValidationError as error:
            raise ContractError(f"feature store: a row is no {self.model.__name__}: {one_sentence(error)}") from error


def _columns_of(
    model: type[Document], around: FieldPath, *, prefix: str, join_keys: Mapping[FieldPath, str]
) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        path = (*around, name)
        column = join_keys.get(path, "_".join((prefix, *path)))
        if field.annotation == _VECTOR_ANNOTATION:
            yield from _vector_columns(column, path)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Document):
            yield from _columns_of(field.annotation, path, prefix=prefix, join_keys=join_keys)
        elif scalar := _scalar(field.annotation):
            yield Column(name=column, type=scalar, path=path)
        else:
            description = "JSON, as the contract writes it"
            yield Column(name=column, type=pa.string(), path=path, is_json=True, description=description)


def _vector_columns(prefix: str, path: FieldPath) -> Iterator[Column]:
    for place, spec in enumerate(FEATURE_SCHEMA_V1.features):
        yield Column(
            name=f"{prefix}_{spec.name}",
            type=pa.float32(),
            path=path,
            feature=place,
            description=f"{spec.unit}: {spec.formula}",
        )


def _scalar(annotation: object) -> pa.DataType | None:
    """The Arrow type of a field with one value; ``None`` where it has a structure."""
    if get_origin(annotation) is UnionType:
        (annotation,) = (each for each in get_args(annotation) if each is not NoneType)
    if get_origin(annotation) is Literal:
        annotation = type(get_args(annotation)[0])
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, str | StrEnum | datetime):
        return pa.string()
    return _SCALARS.get(annotation)


def _value(dump: Mapping[str, Any], column: Column) -> object:
    value: Any = dump
    for name in column.path:
        value = value[name]
    if column.feature is not None:
        return value[column.feature]
    return json.dumps(value, separators=(",", ":")) if column.is_json else value
