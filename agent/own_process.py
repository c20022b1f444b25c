"""What the agent itself takes of the node, as the kernel counts it."""

import os
import resource
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_STARTED_AFTER_BOOT = 19
"""Field ``starttime`` (22nd) of ``/proc/<pid>/stat``, counted from the one after the name: proc_pid_stat(5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """This process.

    Attributes:
        cpu_seconds: user and system time since its start.
        resident_bytes: physical memory.
        descriptors: open now.
        descriptor_limit: how many may be.
        started_at: seconds since 1970, by the clock of the boot.
    """

    cpu_seconds: float
    resident_bytes: int
    descriptors: int
    descriptor_limit: int
    started_at: float


def own_process(proc: Path = Path("/proc")) -> ProcessFigures:
    """Look at this process.

    Args:
        proc: procfs of this process's own PID namespace, whatever the settings say of the host's.

    Raises:
        OSError: procfs is not there.
    """
    resident_pages = int((proc / "self/statm").read_bytes().split()[1])
    return ProcessFigures(
        cpu_seconds=time.process_time(),
        resident_bytes=resident_pages * resource.getpagesize(),
        descriptors=_open_descriptors(proc / "self/fd"),
        descriptor_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        started_at=_started_at(proc),
    )


def _open_descriptors(directory: Path) -> int:
    """From Linux 6.2 on the directory's size is their number; listing 14,000 of them takes milliseconds."""
    return directory.stat().st_size or sum(1 for _ in directory.iterdir())


@cache
def _started_at(proc: Path) -> float:
    """Asked once: on a large node the kernel takes its time over ``/proc/stat``."""
    after_name = (proc / "self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    booted = next(line for line in (proc / "stat").read_text(encoding="ascii").splitlines() if line.startswith("btime"))
    return int(booted.split()[1]) + int(after_name[_STARTED_AFTER_BOOT]) / os.sysconf("SC_CLK_TCK")
