"""Lines and cells of a table: what is a number, what says that nothing was measured, and what is neither."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.traces.errors import TableError

if TYPE_CHECKING:
    from eval.traces.sections import TableSection

LARGEST = 2.0**63
"""A number from here on is a counter that wrapped: PCM prints such where a difference went below zero."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_NOT_A_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_LONGEST_SHOWN = 40


class CellError(ValueError):
    """A cell, or a row, is not what the mapping says; the row is refused with this sentence."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: its number, from 1, and its cells without blanks around them; a comment has one cell."""

    number: int
    cells: tuple[str, ...]
    is_comment: bool = False


def lines_of(path: Path, table: "TableSection") -> Iterator[Line]:
    """The lines of a table that are not empty.

    Raises:
        TableError: it can't be opened or decoded, or is no table at all.
    """
    try:
        with path.open(encoding=table.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=table.delimiter, strict=True)
            for row in reader:
                cells = tuple(cell.strip() for cell in row)
                if table.comment and cells and cells[0].startswith(table.comment):
                    yield Line(reader.line_num, (table.delimiter.join(cells),), is_comment=True)
                elif any(cells):
                    yield Line(reader.line_num, cells)
    except OSError as error:
        raise TableError(f"table {path}: {error.strerror}; name a file") from error
    except LookupError as error:
        raise TableError(f"[table] encoding = {table.encoding!r} is not known: name it as Python does") from error
    except UnicodeError as error:
        raise TableError(
            f"table {path.name} is not written in {table.encoding}: {error}; set [table] encoding"
        ) from error
    except csv.Error as error:
        raise TableError(f"table {path.name}, line {reader.line_num}, is torn or no table: {error}") from error


def number(text: str, table: "TableSection", *, where: str) -> float:
    """A cell as a number; NaN where it says that nothing was measured, or what no counter can have counted.

    Thousands are not separated: what ``1,234`` is depends on who wrote it.

    Raises:
        CellError: it is something else.
    """
    if text in table.missing or _NOT_A_NUMBER.fullmatch(text):
        return math.nan
    plain = text.replace(",", ".") if table.decimal == "," and "." not in text else text
    if _NUMBER.fullmatch(plain) is None or not plain.isascii():
        raise CellError(
            f"{where} is {text[:_LONGEST_SHOWN]!r}: a number with {table.decimal!r} as decimal point is meant"
        )
    value = float(plain)
    return value if 0.0 <= value < LARGEST else math.nan
