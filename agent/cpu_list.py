"""The kernel's notation for sets of CPUs: ``0-3,8,10-11``."""

import re
from pathlib import Path

from agent.errors import TopologyError
from agent.sysfs import read_text

MOST_CPUS = 8192
"""The most that x86-64 kernels are built for (``arch/x86/Kconfig``, ``NR_CPUS_RANGE_END``)."""

_PART = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """CPUs in ascending order; an empty list, and the kernel's ``(null)``, give none.

    >>> parse_cpu_list("0-3,8\\n")
    (0, 1, 2, 3, 8)
    >>> parse_cpu_list("(null)")
    ()

    Raises:
        TopologyError: the text is no CPU list, or names a CPU that no kernel has.
    """
    text = text.strip()
    if not text or text == "(null)":
        return ()
    cpus: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < MOST_CPUS:
            shown, wrong = _shortened(text), _shortened(part)
            raise TopologyError(f"CPU list {shown!r} has {wrong!r}: numbers and ranges like 0-3,8 are meant")
        cpus.update(range(first, last + 1))
    return tuple(sorted(cpus))


def read_cpu_list(path: Path) -> tuple[int, ...]:
    """The CPU list in a file; none where the file is absent.

    Raises:
        TopologyError: the file holds something else.
        OSError: the file can't be read.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        return ()
    try:
        return parse_cpu_list(text)
    except TopologyError as error:
        raise TopologyError(f"{path}: {error}") from error


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
