"""Keeps the tables of ``docs/agent-settings.md`` and ``docs/agent-operations.md`` equal to the code.

``python -m agent.reference --write`` after a setting or a metric was added, ``--check`` to see whether a page is due.
What stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is written here, the prose around it by hand.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from agent.errors import AgentError
from agent.metrics import TABLES
from agent.settings import AgentSettings
from agent.settings_field import SettingField, setting_fields
from agent.settings_sources import variable_of
from contracts.document_tables import table

DOCS = Path(__file__).parent.parent / "docs"


def settings() -> str:
    """One line a setting."""
    rows = [
        (f"`{key}`", f"`{variable_of(key)}`", _default(field), field.lawful, field.meaning)
        for key, field in setting_fields(AgentSettings).items()
    ]
    return table(("key in the file", "environment variable", "default", "may be", "meaning and cost"), rows)


def metrics() -> str:
    """One line a metric."""
    rows = [
        (f"`{metric.name}`", metric.kind.value, ", ".join(f"`{label}`" for label in metric.labels), metric.text)
        for metrics in TABLES
        for metric in metrics
    ]
    return table(("metric", "kind", "labels", "what it says"), rows)


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "agent-settings.md": {"settings": settings},
    "agent-operations.md": {"metrics": metrics},
}
"""By page the blocks that are written."""


def rendered(page: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """A page with its blocks as the code says.

    Raises:
        AgentError: the page lacks a block.
    """
    for name, block in blocks.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise AgentError(f"the page has no block {name}: put {begin.strip()} and {end} where its table belongs")
        page = f"{before}{begin}{block()}{end}{after}"
    return page


def stale_pages(docs: Path = DOCS) -> dict[Path, str]:
    """Pages that are not what the code says, with what they should be.

    Raises:
        AgentError: one lacks a block.
        OSError: one can't be read.
    """
    pages = {docs / name: blocks for name, blocks in PAGES.items()}
    texts = {path: (path.read_text(encoding="utf-8"), blocks) for path, blocks in pages.items()}
    due = {path: rendered(text, blocks) for path, (text, blocks) in texts.items()}
    return {path: text for path, text in due.items() if text != texts[path][0]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where ``--check`` found a page out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m agent.reference", description="Tables of the agent's pages.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the tables from the code")
    action.add_argument("--check", action="store_true", help="fail where pages and code differ")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the pages lie (default: %(default)s)")
    options = parser.parse_args(arguments)
    stale = stale_pages(options.docs)
    if options.write:
        for path, text in stale.items():
            path.write_text(text, encoding="utf-8")
        return 0
    for path in stale:
        sys.stderr.write(f"{path} is not what the code says: run `python -m agent.reference --write`\n")
    return 1 if stale else 0


def _default(field: SettingField) -> str:
    if not field.has_fixed_default:
        return "the host's name, in lower case"
    match field.default:
        case None:
            return "none"
        case tuple(values):
            return ", ".join(f"`{value}`" for value in values)
        case Enum(value=value):
            return f"`{value}`"
        case default:
            return f"`{default}`"


if __name__ == "__main__":
    sys.exit(main())
