"""A contract's document as Markdown: one table an object, made from the pydantic model and its docstrings."""

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from contracts.model import Document, on_the_wire

_REFERENCE = "#/$defs/"
_BOUNDS = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " entries"))
_OTHER_LIMITS = {"exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}", "pattern": "matches `{}`"}
_ATTRIBUTE = re.compile(r"    (?P<names>[a-z_0-9, ]+): (?P<text>.+(?:\n        .+)*)")

Schema = Mapping[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table that ends in a line break."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def document_tables(model: type[Document]) -> str:
    """The document and every object in it, in the order in which they are met.

    >>> from contracts.nodestate import Headroom
    >>> print(document_tables(Headroom).splitlines()[4])
    | `memoryBandwidth` | number or null | 0 to 1 | `null` |
    """
    whole = model.model_json_schema(by_alias=True)
    definitions: Schema = whole.get("$defs", {})
    objects: dict[str, Schema] = {model.__name__: whole}
    waiting = [whole]
    while waiting:
        for name in _referred(waiting.pop(0)):
            if name not in objects and "properties" in definitions[name]:
                objects[name] = definitions[name]
                waiting.append(definitions[name])
    return "\n".join(_object(name, schema, definitions) for name, schema in objects.items())


def _referred(part: object) -> list[str]:
    """Names of the definitions that a schema refers to, in order."""
    match part:
        case {"$ref": str(reference)}:
            return [reference.removeprefix(_REFERENCE)]
        case dict():
            return [name for key, value in part.items() if key != "$defs" for name in _referred(value)]
        case list():
            return [name for entry in part for name in _referred(entry)]
    return []


def _object(name: str, schema: Schema, definitions: Schema) -> str:
    fields: Schema = schema["properties"]
    prose, meanings = _docstring(schema.get("description", ""), fields)
    required = schema.get("required", [])
    header = ["field", "type", "limits", "default", "meaning"]
    rows = [
        [
            f"`{field}`",
            _type(_resolved(part, definitions), definitions),
            _limits(_resolved(part, definitions), definitions),
            "required" if field in required else _default(part),
            meanings.get(field, ""),
        ]
        for field, part in fields.items()
    ]
    width = len(header) if meanings else len(header) - 1
    return f"**{name}.** {prose}\n\n{table(header[:width], [row[:width] for row in rows])}"


def _docstring(text: str, fields: Container[str]) -> tuple[str, dict[str, str]]:
    """Prose, and what is said of each attribute under its name on the wire."""
    prose, _, attributes = text.partition("\nAttributes:\n")
    meanings = {
        to_camel(name.strip()): _markdown(match["text"], fields)
        for match in _ATTRIBUTE.finditer(attributes)
        for name in match["names"].split(",")
    }
    return _markdown(prose, fields), meanings


def _markdown(prose: str, fields: Container[str]) -> str:
    return on_the_wire(prose, fields).replace("``None``", "``null``").replace("``", "`")


def _resolved(part: Schema, definitions: Schema) -> Schema:
    """What a reference stands for, unless that has a table of its own."""
    target: Schema = definitions.get(str(part.get("$ref", "")).removeprefix(_REFERENCE), {})
    return target if target and "properties" not in target else part


def _type(part: Schema, definitions: Schema) -> str:
    match part:
        case {"$ref": str(reference)}:
            return reference.removeprefix(_REFERENCE)
        case {"anyOf": list(options)}:
            return " or ".join(_type(_resolved(option, definitions), definitions) for option in options)
        case {"const": value}:
            return f"`{value}`"
        case {"enum": list(values)}:
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": dict(items)}:
            inner = _type(_resolved(items, definitions), definitions)
            return f"list of ({inner})" if " or " in inner else f"list of {inner}"
    return "time" if part.get("format") == "date-time" else str(part.get("type", "anything"))


def _limits(part: Schema, definitions: Schema) -> str:
    own = [limit for low, high, what in _BOUNDS if (limit := _bounds(part.get(low), part.get(high), what))]
    own += [text.format(_figure(part[key])) for key, text in _OTHER_LIMITS.items() if key in part]
    for option in part.get("anyOf", ()):
        own += filter(None, [_limits(_resolved(option, definitions), definitions)])
    each = _limits(_resolved(part["items"], definitions), definitions) if "items" in part else ""
    return "; ".join(filter(None, [", ".join(own), each and f"each {each}"]))


def _bounds(low: object, high: object, what: str) -> str:
    if low is None:
        return f"up to {_figure(high)}{what}" if high is not None else ""
    if high is None:
        return f"{_figure(low)} or more{what}"
    return f"{_figure(low)}{what}" if low == high else f"{_figure(low)} to {_figure(high)}{what}"


def _figure(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _default(part: Schema) -> str:
    match part.get("default"):
        case [] | {} | "":
            return "empty"
        case list() | dict():
            return "see there"
        case default:
            return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"
