"""Keeps the tables of ``docs/contracts.md`` equal to the contracts.

``python -m contracts.reference --write`` after a contract was added, ``--check`` to see whether the page is due. What
stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is written here, the prose around it by hand.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from contracts.axis import AXES, Axis
from contracts.bundle import BUNDLE_DIGEST_V1, Manifest
from contracts.crd import NODE_STATE_DIGEST_V1
from contracts.document_tables import document_tables, table
from contracts.errors import ContractError
from contracts.events import CONSTANTS, EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec
from contracts.formula import events_of
from contracts.nodestate import NodeState
from contracts.profile import PROFILE_DIGEST_V1, WorkloadProfile
from contracts.regime import REGIME_DIGEST_V1
from contracts.trace import TRACE_DIGEST_V1, LabelledTrace

PAGE = Path(__file__).parent.parent / "docs/contracts.md"
_BLOCK = re.compile(r"<!-- begin (?P<name>[a-z-]+) -->\n.*?<!-- end (?P=name) -->", re.DOTALL)


def digests() -> str:
    """One line a contract."""
    rows = (
        ("feature vector", FEATURE_SCHEMA_V1.digest),
        ("regime", REGIME_DIGEST_V1),
        ("NodeState", NODE_STATE_DIGEST_V1),
        ("workload profile", PROFILE_DIGEST_V1),
        ("labelled trace", TRACE_DIGEST_V1),
        ("model bundle", BUNDLE_DIGEST_V1),
    )
    return table(("contract", "version", "digest"), [(name, "1", f"`{digest}`") for name, digest in rows])


def features() -> str:
    """One line a feature, in vector order."""
    header = ("#", "feature", "axes", "unit", "range", "clock", "formula, and what replaces it")
    return table(header, [_feature(index, spec) for index, spec in enumerate(FEATURE_SCHEMA_V1.features)])


def _feature(index: int, spec: FeatureSpec) -> tuple[str, ...]:
    formulas = [f"`{spec.formula}`", *(f"else `{fallback}`" for fallback in spec.fallbacks), "else missing"]
    return (
        str(index),
        f"`{spec.name}`",
        ", ".join(spec.axes),
        spec.unit,
        f"{spec.minimum:g} to {spec.maximum:g}",
        spec.clock,
        "<br>".join(formulas),
    )


def axes() -> str:
    """Which features speak for an axis, by who counts them."""
    return table(("axis", "features", "counted by"), [_axis(axis) for axis in AXES])


def _axis(axis: Axis) -> tuple[str, ...]:
    specs = [spec for spec in FEATURE_SCHEMA_V1.features if axis in spec.axes]
    pmus = {EVENTS[name].pmu for spec in specs for node in spec.formulas for name in events_of(node)}
    return (
        f"`{axis}`",
        ", ".join(f"`{spec.name}`" for spec in specs),
        ", ".join(sorted(pmu for pmu in pmus if pmu is not Pmu.NODE)),
    )


def events() -> str:
    """What each event of a formula counts; then the named constants."""
    units: dict[tuple[str, str], list[str]] = {}
    for name in sorted(FEATURE_SCHEMA_V1.events):
        units.setdefault((EVENTS[name].pmu, str(EVENTS[name].unit)), []).append(f"`{name}`")
    rows = [(pmu, unit, ", ".join(names)) for (pmu, unit), names in sorted(units.items())]
    constants = [
        ("constant", str(quantity.unit), f"`{name}` = {quantity.value:g}") for name, quantity in CONSTANTS.items()
    ]
    return table(("PMU", "unit", "events"), rows + constants)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "digests": digests,
    "features": features,
    "axes": axes,
    "events": events,
    "node-state": lambda: document_tables(NodeState),
    "workload-profile": lambda: document_tables(WorkloadProfile),
    "labelled-trace": lambda: document_tables(LabelledTrace),
    "model-bundle": lambda: document_tables(Manifest),
}


def rendered(page: str) -> str:
    """The page with each block as the contracts say.

    Args:
        page: the page as it is, each block once.

    Raises:
        ContractError: a block is unknown, lacking, or stands twice.
    """
    found = sorted(match["name"] for match in _BLOCK.finditer(page))
    if found != sorted(BLOCKS):
        raise ContractError(
            f"the page has the blocks {', '.join(found) or 'none'}; {', '.join(sorted(BLOCKS))} are meant, each once"
        )
    return _BLOCK.sub(
        lambda match: f"<!-- begin {match['name']} -->\n{BLOCKS[match['name']]()}<!-- end {match['name']} -->", page
    )


def is_current(path: Path = PAGE) -> bool:
    """Whether the page is, byte for byte, what ``--write`` would leave.

    Raises:
        ContractError: as ``rendered``.
        OSError: it can't be read.
    """
    page = path.read_text(encoding="utf-8")
    return rendered(page) == page


def write(path: Path = PAGE) -> None:
    """Bring the page up to date.

    Raises:
        ContractError: as ``rendered``.
        OSError: it can't be read or written.
    """
    path.write_text(rendered(path.read_text(encoding="utf-8")), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where ``--check`` found the page out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m contracts.reference", description="Tables of docs/contracts.md.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the tables from the contracts")
    action.add_argument("--check", action="store_true", help="fail where page and contracts differ")
    parser.add_argument("--path", type=Path, default=PAGE, help="the page (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.path)
        return 0
    if is_current(options.path):
        return 0
    sys.stderr.write(f"{options.path} is not what the contracts say: run `python -m contracts.reference --write`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
