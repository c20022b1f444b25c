"""Writes the NodeState CRD as YAML from the contract, or checks that the committed file is what the contract says.

``python -m infra.crd_yaml --write`` after a change of the contract, ``--check`` to see whether one is due.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from contracts.crd import custom_resource_definition

CRD_PATH = Path(__file__).parent / "kustomize/crd/nodestates.leeward.dev.yaml"
_HEADER = "# Written by `python -m infra.crd_yaml --write` from contracts/crd.py; edits are lost.\n"


def rendered_crd() -> str:
    """The CRD as the YAML text that is committed."""
    unshared = json.loads(json.dumps(custom_resource_definition()))  # PyYAML puts an anchor where an object recurs
    return _HEADER + yaml.safe_dump(unshared, sort_keys=False, width=120, allow_unicode=True)


def write(path: Path = CRD_PATH) -> None:
    """Replace the file by what the contract says; raises ``OSError`` where it can't be written."""
    path.write_text(rendered_crd(), encoding="utf-8")


def is_current(path: Path = CRD_PATH) -> bool:
    """Whether the file exists and is, byte for byte, what the contract says."""
    return path.is_file() and path.read_text(encoding="utf-8") == rendered_crd()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 1 where ``--check`` found the file missing or out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m infra.crd_yaml", description="The NodeState CRD as YAML.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the file from the contract")
    action.add_argument("--check", action="store_true", help="fail where file and contract differ")
    parser.add_argument("--path", type=Path, default=CRD_PATH, help="the file (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.path)
        return 0
    if is_current(options.path):
        return 0
    sys.stderr.write(f"{options.path} is not what contracts/crd.py says: run `python -m infra.crd_yaml --write`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
