"""Keeps the tables of ``docs/operations.md`` equal to the code.

``python -m scheduler_extender.reference --write`` after a setting or a metric was added, ``--check`` to see whether the
page is due. What stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is written here, the prose around it
by hand.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.document_tables import document_tables, table
from scheduler_extender.errors import ExtenderError
from scheduler_extender.main import build_extender
from scheduler_extender.settings import ExtenderSettings

PAGE = Path(__file__).parent.parent / "docs/operations.md"
_METRIC = re.compile(r"^# HELP (?P<name>\S+) (?P<text>.+)\n# TYPE (?P=name) (?P<kind>\w+)$", re.MULTILINE)


def metrics() -> str:
    """One line a metric, as an extender that knows nothing shows them."""
    with TemporaryDirectory() as empty:
        shown = build_extender(Path(empty)).exposition()
    return table(
        ("metric", "kind", "what it says"),
        [(f"`{metric['name']}`", metric["kind"], metric["text"]) for metric in _METRIC.finditer(shown)],
    )


def settings() -> str:
    """One table an object of ``extender.json``."""
    return document_tables(ExtenderSettings)


BLOCKS: Mapping[str, Callable[[], str]] = {"settings": settings, "metrics": metrics}


def rendered(page: str) -> str:
    """The page with its blocks as the code says.

    Raises:
        ExtenderError: it lacks a block.
    """
    for name, block in BLOCKS.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ExtenderError(f"the page has no block {name}: put {begin.strip()} and {end} where its table belongs")
        page = f"{before}{begin}{block()}{end}{after}"
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where ``--check`` found the page out of date.

    Raises:
        ExtenderError: as ``rendered``.
        OSError: the page can't be read or written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m scheduler_extender.reference", description="Tables of the extender's page."
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the tables from the code")
    action.add_argument("--check", action="store_true", help="fail where page and code differ")
    parser.add_argument("--page", type=Path, default=PAGE, help="where it lies (default: %(default)s)")
    options = parser.parse_args(arguments)
    there = options.page.read_text(encoding="utf-8")
    due = rendered(there)
    if options.write:
        options.page.write_text(due, encoding="utf-8")
        return 0
    if due != there:
        sys.stderr.write(
            f"{options.page} is not what the code says: run `python -m scheduler_extender.reference --write`\n"
        )
    return int(due != there)


if __name__ == "__main__":
    sys.exit(main())
