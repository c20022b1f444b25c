"""The names of all events and troubles that the agent's code can tell, read from its source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

AGENT = Path(__file__).parents[3] / "agent"
_NAME = re.compile(r"[a-z]+(-[a-z]+)+")
_LOGGERS = {"info", "warning"}
_TELLERS = {"tell", "_tell", "clear"}


def event_names() -> dict[str, str]:
    """Kind by name: ``info`` and ``warning`` are logged as they happen, a ``trouble`` lasts."""
    found: dict[str, str] = {}
    for path in sorted(AGENT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= dict.fromkeys(_troubles(tree), "trouble")
        found |= dict(_logged(tree))
    return found


def _logged(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for call in _calls(tree):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[ast.Constant(value=str(name)), *_]
            ) if level in _LOGGERS:
                yield name, level


def _troubles(tree: ast.Module) -> Iterator[str]:
    for call in _calls(tree):
        match call:
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(name)), *_]) if (
                method in _TELLERS
            ):
                yield name
        for keyword in call.keywords:
            match keyword:
                case ast.keyword(arg="trouble", value=ast.Constant(value=str(name))):
                    yield name
    if _knows_troubles(tree):
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                yield from filter(_NAME.fullmatch, _texts(statement.value))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _knows_troubles(tree: ast.Module) -> bool:
    """Whether constants of a module may be names of troubles."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(node.module == "agent.troubles" for node in imports)


def _texts(value: ast.expr) -> Iterator[str]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
