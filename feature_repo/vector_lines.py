"""Vectors as node agents send them, one JSON object a line, read many at once.

A line in exactly the form in which ``contracts.vector.to_json`` writes it is recognised by a regular expression, and
the numbers of all such lines are read together. This way only ever says yes. Whatever is written in another way, or has
a number that may be out of its range, is left to ``contracts.vector.from_json``, which takes it or says what is wrong:
slower by ten times, and the one judge of what the contract allows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydantic_core

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import LARGEST_NS, LONGEST_DOMAIN_NAME, LONGEST_NODE_NAME, FeatureVector, from_json
from feature_repo.vector_columns import VectorColumns

_PLAIN = r"[!#-\[\]-~]"
"""Printable ASCII that JSON writes as it is."""
_NANOSECONDS = r"(0|[1-9][0-9]{0,18})"
_VALUE = r"(?:null|-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,4})?)"
AS_WRITTEN = re.compile(
    (
        rf'\{{"schema":"{FEATURE_SCHEMA_V1.digest}","node":"({_PLAIN}{{1,{LONGEST_NODE_NAME}}})",'
        rf'"domain":"({_PLAIN}{{1,{LONGEST_DOMAIN_NAME}}})",'
        rf'"windowStartNs":{_NANOSECONDS},"windowLengthNs":{_NANOSECONDS},'
        rf'"values":(\[{_VALUE}(?:,{_VALUE}){{{len(FEATURE_SCHEMA_V1) - 1}}}\])\}}'
    ).encode()
)
"""A vector in the form that ``to_json`` gives it: node, domain, window start and length, values."""
_MINIMA = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features], np.float32)
_MAXIMA = np.array([spec.maximum for spec in FEATURE_SCHEMA_V1.features], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What lines hold.

    Attributes:
        columns: the vectors that the contract allows, in the lines' order.
        places: the line of each, from 0.
        refused: what is wrong with each of the other lines.
    """

    columns: VectorColumns
    places: Sequence[int]
    refused: dict[int, str]


def decode(lines: Sequence[bytes | str]) -> Decoded:
    """Read lines; each is judged by itself, exactly as ``contracts.vector.from_json`` would."""
    columns, places = _read_together(lines)
    if len(places) == len(lines):
        return Decoded(columns=columns, places=places, refused={})
    vectors: list[FeatureVector] = []
    other_places: list[int] = []
    refused: dict[int, str] = {}
    for place in sorted(set(range(len(lines))).difference(places)):
        try:
            vectors.append(from_json(lines[place]))
            other_places.append(place)
        except ContractError as error:
            refused[place] = str(error)
    if vectors:
        columns, places = columns + VectorColumns.of(vectors), [*places, *other_places]
        order = sorted(range(len(places)), key=places.__getitem__)
        columns, places = columns.take(order), [places[index] for index in order]
    return Decoded(columns=columns, places=places, refused=refused)


def _read_together(lines: Sequence[bytes | str]) -> tuple[VectorColumns, list[int]]:
    """The vectors that are as an agent writes them and surely lawful, and their places."""
    places: list[int] = []
    found: list[tuple[bytes, ...]] = []
    for place, line in enumerate(lines):
        match = AS_WRITTEN.fullmatch(line) if isinstance(line, bytes) else None
        if match is not None:
            places.append(place)
            found.append(match.groups())
    numbers = b"[" + b",".join(groups[4] for groups in found).replace(b"null", b"NaN") + b"]"
    rows: list[list[float]] = pydantic_core.from_json(numbers)
    values = _as_float32(rows)
    is_lawful = np.all(~((values < _MINIMA) | (values > _MAXIMA)), axis=1).tolist()
    columns = VectorColumns(
        nodes=[groups[0].decode() for groups in found],
        domains=[groups[1].decode() for groups in found],
        starts_ns=[int(groups[2]) for groups in found],
        lengths_ns=[int(groups[3]) for groups in found],
        values=values,
    )
    sure = [
        index
        for index, (length_ns, end_ns) in enumerate(zip(columns.lengths_ns, columns.ends_ns(), strict=True))
        if is_lawful[index] and length_ns > 0 and end_ns <= LARGEST_NS
    ]
    if len(sure) == len(found):
        return columns, places
    return columns.take(sure), [places[index] for index in sure]


def _as_float32(rows: list[list[float]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    with np.errstate(over="ignore"):  # what no float32 holds becomes infinite, which is in no range
        values = np.array(rows, np.float64).reshape(len(rows), len(FEATURE_SCHEMA_V1)).astype(np.float32)
    values[values == 0.0] = 0.0
    return values
