"""A measurement in a process of its own, whose memory is that of nothing else."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a number of rows took.

    Attributes:
        rows: how many.
        seconds: from the first to the last.
        imported_mib, peak_mib: memory when all was imported, and at the most.
    """

    rows: int
    seconds: float
    imported_mib: float
    peak_mib: float


def in_its_own_process(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module and read the last line that it prints, as JSON.

    Raises:
        RuntimeError: it failed; says what it wrote.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise RuntimeError(f"{module} failed:\n{finished.stderr}")
    told: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return told


def imported_mib() -> float:
    """``peak_mib`` with pandas in it, which pyarrow imports at its first use."""
    import_module("pandas")
    return peak_mib()


def peak_mib() -> float:
    """This process's resident memory at the most, since its program was loaded.

    ``resource.getrusage`` would begin with what the parent had when it started this process (proc(5), ``VmHWM``).
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
