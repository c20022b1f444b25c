"""Checks that a wheel of Leeward holds every file of every room, the licences, and extensions that can be imported.

Run from the repository's root: ``python .ci/check_wheel.py dist/*.whl``.
"""

import fnmatch
import importlib
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

EXTENSIONS = ("agent.sources._perf", "eval.testbed._solver")
LEFT_OUT = ("*/__pycache__/*", "*.so", "*.onnx")


def files_of_room(root: Path, room: str) -> Iterator[str]:
    """Paths relative to ``root`` of what a wheel must hold of one room."""
    for path in (root / room).rglob("*"):
        relative = path.relative_to(root).as_posix()
        if path.is_file() and not any(fnmatch.fnmatch(relative, pattern) for pattern in LEFT_OUT):
            yield relative


def complaints_of_contents(held: set[str], root: Path) -> Iterator[str]:
    """What is missing from the wheel's names, and what should not be among them, one sentence each."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = [pattern.removesuffix("*") for pattern in pyproject["tool"]["setuptools"]["packages"]["find"]["include"]]
    metadata = f"leeward-{pyproject['project']['version']}.dist-info"
    wanted = {name for room in rooms for name in files_of_room(root, room)}
    wanted |= {f"{metadata}/licenses/{name}" for name in pyproject["project"]["license-files"]}
    yield from (f"{name} is missing" for name in sorted(wanted - held))
    yield from (f"{name} belongs to no room" for name in sorted(held) if name.split("/")[0] not in {*rooms, metadata})


def complaints_of_extensions(wheel: zipfile.ZipFile) -> Iterator[str]:
    """Whether the compiled extensions can be imported from the wheel, and from nowhere else."""
    with tempfile.TemporaryDirectory() as unpacked:
        wheel.extractall(unpacked)
        sys.path.insert(0, unpacked)
        for name in EXTENSIONS:
            try:
                origin = importlib.import_module(name).__file__
            except ImportError as error:
                yield f"{name} can't be imported from it: {error}"
                continue
            if origin is None or not Path(origin).is_relative_to(unpacked):
                yield f"{name} is missing; {origin} was found in its place"


def main(path: Path) -> int:
    """Complain on standard error; returns the exit status."""
    with zipfile.ZipFile(path) as wheel:
        complaints = [*complaints_of_contents(set(wheel.namelist()), Path()), *complaints_of_extensions(wheel)]
    sys.stderr.writelines(f"{path}: {complaint}\n" for complaint in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
