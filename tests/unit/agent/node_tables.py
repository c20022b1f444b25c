"""Keeps the tables of ``docs/nodes.md`` equal to what the agent makes of each kind of node.

``python -m tests.unit.agent.node_tables --write`` runs the agent on the fabricated nodes and writes the tables,
``--check`` tells whether the page is due. What stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is
written here, the prose around it by hand.
"""

import argparse
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.document_tables import table
from contracts.events import Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Status
from tests.unit.agent.nodes import VARIETIES
from tests.unit.agent.varied_node import Origin, origins, status_of

PAGE = Path(__file__).parents[3] / "docs/nodes.md"
MATRIX = "matrix"
_BLOCK = re.compile(r"<!-- begin (?P<name>[a-z0-9-]+) -->\n.*?<!-- end (?P=name) -->", re.DOTALL)
_LETTERS = {Pmu.CORE: "c", Pmu.CHA: "u", Pmu.IMC: "u", Pmu.UPI: "u", Pmu.IIO: "u", Pmu.RESCTRL: "r"}


def tables() -> dict[str, str]:
    """Each table by its name on the page: the matrix, and one a variety."""
    statuses = {name: status_of(name) for name in VARIETIES}
    return {MATRIX: matrix(statuses)} | {name: summary(status) for name, status in statuses.items()}


def matrix(statuses: Mapping[str, Status]) -> str:
    """Features down, varieties across, by their numbers."""
    columns = [origins(status) for status in statuses.values()]
    kinds = table(
        ("", "kind of node", "features"),
        [
            (f"{number}", f"[{VARIETIES[name].title}](#{name})", f"{sum(map(bool, column.values()))}")
            for number, (name, column) in enumerate(zip(statuses, columns, strict=True), start=1)
        ],
    )
    cells = table(
        ("feature", *(f"{number}" for number in range(1, len(columns) + 1))),
        [(f"`{name}`", *(_cell(column[name]) for column in columns)) for name in FEATURE_SCHEMA_V1.names],
    )
    return f"{kinds}\n{cells}"


def summary(status: Status) -> str:
    """What is missing on one node and what the agent says of it."""
    found = origins(status)
    lacking = [f"`{name}`" for name, origin in found.items() if origin is None]
    replaced = [f"`{name}`" for name, origin in found.items() if origin is not None and origin.fallback]
    lines = [f"{len(found) - len(lacking)} of {len(found)} features."]
    if replaced:
        lines.append(f"By a fallback: {', '.join(replaced)}.")
    if 0 < len(lacking) <= len(found) // 2:
        lines.append(f"Missing: {', '.join(lacking)}.")
    reasons = [(group.errno, f"{len(group.events)}", group.reason) for group in status.coverage.missing]
    told = f"\n{table(('errno', 'events', 'what the agent says'), reasons)}" if reasons else ""
    return f"{' '.join(lines)}\n{told}"


def _cell(origin: Origin | None) -> str:
    if origin is None:
        return "·"
    letters = "".join(sorted({_LETTERS[pmu] for pmu in origin.pmus}))
    return f"({letters})" if origin.fallback else letters


def rendered(page: str) -> str:
    """The page with its tables as they should be.

    Raises:
        ValueError: a table has no place on the page, or a place no table.
    """
    places = [match["name"] for match in _BLOCK.finditer(page)]
    wanted = [MATRIX, *VARIETIES]
    if sorted(places) != sorted(wanted):
        differing = ", ".join(sorted(set(places) ^ set(wanted))) or "one that stands there twice"
        raise ValueError(f"tables and their places on the page differ: {differing}")
    known = tables()
    return _BLOCK.sub(
        lambda match: f"<!-- begin {match['name']} -->\n{known[match['name']]}<!-- end {match['name']} -->", page
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 where ``--check`` found the page out of date."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.agent.node_tables", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the tables")
    action.add_argument("--check", action="store_true", help="fail where the page is out of date")
    options = parser.parse_args(arguments)
    logging.getLogger("leeward.agent").setLevel(logging.CRITICAL)
    page = PAGE.read_text(encoding="utf-8")
    now = rendered(page)
    if options.write:
        PAGE.write_text(now, encoding="utf-8")
        return 0
    if now == page:
        return 0
    sys.stderr.write(f"{PAGE} is out of date: run `python -m tests.unit.agent.node_tables --write`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
