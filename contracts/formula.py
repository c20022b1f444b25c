"""Formulas over named events: text in the contract, a syntax tree in use.

The grammar is arithmetic only: event names, numbers, the named constants of ``contracts.events``, ``+ - * /``,
parentheses, ``log`` and ``log1p``. The text is what the schema's digest covers, so a formula cannot change unnoticed.
"""

import ast
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from contracts.errors import ContractError
from contracts.events import CONSTANTS

LARGEST = sys.float_info.max
"""A larger number in a formula is a slip."""

_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number, without a unit."""

    value: float


@dataclass(frozen=True, slots=True)
class Constant:
    """A named constant, which has a unit."""

    name: str


@dataclass(frozen=True, slots=True)
class Counter:
    """An event's count."""

    event: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``left operator right`` with operator one of ``+ - * /``."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Logarithm:
    """Natural logarithm of the argument, or of one plus the argument (``log1p``)."""

    plus_one: bool
    argument: "Node"


Node = Number | Constant | Counter | Operation | Logarithm


@cache
def parse(text: str) -> Node:
    """Parse a formula.

    >>> parse("log(UNC_M_RPQ_OCCUPANCY_PCH0 / UNC_M_RPQ_INSERTS.PCH0)").plus_one
    False

    Raises:
        ContractError: the text is not arithmetic over events.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise ContractError(f"formula {text!r} is not an expression: {error}") from error
    return _node(tree.body, text)


def _node(tree: ast.expr, text: str) -> Node:
    match tree:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and abs(value) <= LARGEST:
            return Number(float(value))
        case ast.Name(id=name) if name in CONSTANTS:
            return Constant(name)
        case ast.Name() | ast.Attribute():
            return Counter(_dotted_name(tree, text))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _SYMBOLS:
            return Operation(_SYMBOLS[type(operator)], _node(left, text), _node(right, text))
        case ast.Call(func=ast.Name(id="log" | "log1p" as name), args=[argument], keywords=[]):
            return Logarithm(name == "log1p", _node(argument, text))
    raise ContractError(
        f"formula {text!r} uses {ast.unparse(tree)!r}: only events, numbers, constants, + - * /, log and log1p "
        "are allowed"
    )


def _dotted_name(tree: ast.expr, text: str) -> str:
    match tree:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted_name(value, text)}.{attribute}"
    raise ContractError(f"formula {text!r} uses {ast.unparse(tree)!r}, which is no event name")


@cache
def events_of(node: Node) -> frozenset[str]:
    """The names of all events that a formula reads."""
    match node:
        case Counter(event=name):
            return frozenset({name})
        case Operation(left=left, right=right):
            return events_of(left) | events_of(right)
        case Logarithm(argument=argument):
            return events_of(argument)
    return frozenset()


def evaluate(node: Node, counts: Mapping[str, float]) -> float:
    """Evaluate over counts summed per domain; NaN where a quotient or logarithm has no value.

    Args:
        node: the parsed formula.
        counts: event name to count over the window (>= 0), already scaled for multiplexing.

    Raises:
        KeyError: an event of the formula is not in ``counts``.
    """
    match node:
        case Number(value=value):
            return value
        case Constant(name=name):
            return CONSTANTS[name].value
        case Counter(event=name):
            return counts[name]
        case Logarithm(plus_one=plus_one, argument=argument):
            inner = evaluate(argument, counts) + (1.0 if plus_one else 0.0)
            return math.log(inner) if inner > 0 else math.nan
        case Operation(operator=operator, left=left, right=right):
            return _apply(operator, evaluate(left, counts), evaluate(right, counts))


def _apply(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return left / right if right else math.nan
