from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.document_tables import document_tables, table
from contracts.model import Document, UtcTime


class Colour(StrEnum):
    """Not a table of its own."""

    RED = "red"
    BLUE = "blue"


class Leaf(Document):
    """A leaf, with ``leaf_size`` and ``other``."""

    leaf_size: Annotated[float, Field(gt=0.0, le=1.5)]
    at: UtcTime | None = None


class Tree(Document):
    """A tree.

    Attributes:
        name: what it is called,
            in ``long_words``; ``None`` for none.
        leaves, fallen: those on it and below it.
    """

    version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=3, pattern="^a|b$")] | None = None
    leaves: Annotated[tuple[Leaf, ...], Field(max_length=2)] = ()
    fallen: Annotated[tuple[Leaf | None, ...], Field(min_length=2, max_length=2)]
    colour: Colour = Colour.RED
    long_words: bool = False


def test_a_document_and_the_objects_in_it() -> None:
    assert document_tables(Tree) == (
        "**Tree.** A tree.\n"
        "\n"
        "| field | type | limits | default | meaning |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `version` | `1` |  | `1` |  |\n"
        "| `name` | string or null | 1 to 3 characters, matches `^a&#124;b$` | `null` "
        "| what it is called, in `longWords`; `null` for none. |\n"
        "| `leaves` | list of Leaf | up to 2 entries | empty | those on it and below it. |\n"
        "| `fallen` | list of (Leaf or null) | 2 entries | required | those on it and below it. |\n"
        "| `colour` | one of `red`, `blue` |  | `red` |  |\n"
        "| `longWords` | boolean |  | `false` |  |\n"
        "\n"
        "**Leaf.** A leaf, with `leafSize` and `other`.\n"
        "\n"
        "| field | type | limits | default |\n"
        "| --- | --- | --- | --- |\n"
        "| `leafSize` | number | up to 1.5, above 0 | required |\n"
        "| `at` | time or null |  | `null` |\n"
    )


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(("a",), [("x | y",)]).splitlines()[-1] == "| x &#124; y |"
