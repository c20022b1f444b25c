"""The kernel's notation for sets of CPUs: ``0-3,8,10-11``."""

import re
from pathlib import Path

from agent.errors import TopologyError

_PART = re.compile(r"(\d+)(?:-(\d+))?")


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """CPUs in ascending order; an empty list, and the kernel's ``(null)``, give none.

    >>> parse_cpu_list("0-3,8\\n")
    (0, 1, 2, 3, 8)
    >>> parse_cpu_list("(null)")
    ()

    Raises:
        TopologyError: the text is no CPU list.
    """
    text = text.strip()
    if not text or text == "(null)":
        return ()
    cpus: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise TopologyError(f"CPU list {text!r} has {part!r}: numbers and ranges like 0-3,8 are meant")
        first, last = match.groups()
        cpus.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus))


def read_cpu_list(path: Path) -> tuple[int, ...]:
    """The CPU list in a file; none where the file is absent.

    Raises:
        TopologyError: the file holds something else.
    """
    try:
        return parse_cpu_list(path.read_text())
    except FileNotFoundError:
        return ()
