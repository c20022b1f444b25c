"""Builds ``eval.testbed._solver``, the cffi extension around ``implied.c`` and ``newton.c``.

Installing the package builds it. In a checkout: ``python eval/testbed/solver_build.py``.
"""

import shutil
import tempfile
from pathlib import Path

from cffi import FFI

MODULE = "eval.testbed._solver"
_HERE = Path(__file__).parent

ffibuilder = FFI()
ffibuilder.cdef((_HERE / "solver.h").read_text())
ffibuilder.set_source(
    MODULE,
    "".join((_HERE / name).read_text() for name in ("implied.c", "newton.c")),
    include_dirs=[str(_HERE)],
    extra_compile_args=["-std=gnu11", "-O3", "-Wall", "-Wextra", "-fno-math-errno", "-ffp-contract=off"],
)


def build_in_place() -> Path:
    """Compile, and put the extension beside this file; a program that runs keeps the one it has mapped.

    Returns:
        The extension's path.
    """
    with tempfile.TemporaryDirectory() as directory:
        built = Path(ffibuilder.compile(tmpdir=directory))
        unfinished = Path(shutil.copy2(built, Path(__file__).with_name(f".{built.name}.unfinished")))
        return unfinished.replace(Path(__file__).with_name(built.name))


if __name__ == "__main__":
    build_in_place()
