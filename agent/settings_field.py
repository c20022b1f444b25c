"""What one setting may be: read from the annotations of a settings class, for its reader, its checks and its page."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cached_property, lru_cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

_NUMBERS = {"number": "a number", "integer": "a whole number"}


class UnlawfulError(ValueError):
    """A value is of another type than its setting, or out of its range; ``str()`` is what would be lawful."""


class SettingField:
    """One setting.

    Args:
        key: dotted, as a settings file says it: ``roots.sys``.
        annotation: its type, with a ``pydantic.Field`` that says bounds and meaning.
        declared: the dataclass field, for its default.
    """

    def __init__(self, key: str, annotation: Any, declared: "Field[Any]") -> None:
        self.key = key
        self.default: object = declared.default
        self._adapter: TypeAdapter[object] = TypeAdapter(annotation)

    @property
    def has_fixed_default(self) -> bool:
        """Whether the default is one value, not one that depends on the machine."""
        return self.default is not MISSING

    @property
    def meaning(self) -> str:
        """What it is for, and what it costs, in sentences."""
        return str(self._schema["description"])

    @property
    def lawful(self) -> str:
        """What it may be, in words: ``a number above 0, up to 60``."""
        schema = self._schema
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        words = _words(options[0] if options else schema, schema.get("$defs", {}))
        examples = " or ".join(schema.get("examples", ()))
        return f"{words} such as {examples}" if examples else words

    def from_text(self, text: str) -> object:
        """The value that a command line or an environment says; a list is separated by commas.

        Raises:
            UnlawfulError: the text says no lawful value.
        """
        if self._schema.get("type") == "array":
            return self._valid([part.strip() for part in text.split(",")])
        return self._valid(text.strip())

    def from_toml(self, value: object) -> object:
        """The value that a file says; a number in quotes is no number.

        Raises:
            UnlawfulError: the value is of another type or out of range.
        """
        try:
            return self._adapter.validate_json(json.dumps(value), strict=True)
        except (TypeError, ValidationError) as error:
            raise UnlawfulError(self.lawful) from error

    def check(self, value: object) -> None:
        """Refuse a value that code has set.

        Raises:
            UnlawfulError: the value is of another type or out of range.
        """
        self._valid(value, strict=True)

    def _valid(self, value: object, *, strict: bool = False) -> object:
        try:
            return self._adapter.validate_python(value, strict=strict)
        except ValidationError as error:
            raise UnlawfulError(self.lawful) from error

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self._adapter.json_schema()


@lru_cache(maxsize=4)
def setting_fields(settings: type, prefix: str = "") -> Mapping[str, SettingField]:
    """The settings of a dataclass by key; those of a dataclass within it stand under its name: ``roots.sys``."""
    hints = get_type_hints(settings, include_extras=True)
    found: dict[str, SettingField] = {}
    for declared in fields(settings):
        annotation, key = hints[declared.name], prefix + declared.name
        if isinstance(annotation, type) and is_dataclass(annotation):
            found |= setting_fields(annotation, f"{key}.")
        else:
            found[key] = SettingField(key, annotation, declared)
    return found


def _words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    match schema:
        case {"$ref": str(reference)}:
            return f"one of {_values(definitions[reference.rpartition('/')[2]])}"
        case {"type": "array", "items": {"$ref": str(reference)}}:
            return f"a list of {_values(definitions[reference.rpartition('/')[2]])}: at least one, each once"
        case {"type": "string"}:
            return "a path" if schema.get("format") == "path" else "text"
        case {"minimum": lowest, "maximum": highest}:
            return f"{_NUMBERS[schema['type']]} from {lowest:.15g} to {highest:.15g}"
        case {"exclusiveMinimum": below, "maximum": highest}:
            return f"{_NUMBERS[schema['type']]} above {below:.15g}, up to {highest:.15g}"
    raise NotImplementedError(f"a setting with the schema {schema} needs words for what is lawful")


def _values(schema: Mapping[str, Any]) -> str:
    return ", ".join(schema["enum"])
