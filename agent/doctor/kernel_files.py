"""Small files of the kernel, which a node may lack or hide."""

from pathlib import Path

from agent.cpu_list import parse_cpu_list
from agent.errors import TopologyError
from agent.sysfs import read_text


def text_of(path: Path) -> str | None:
    """The file's text without white space around it; ``None`` where it is absent or can't be read."""
    try:
        return read_text(path)
    except OSError:
        return None


def number_of(path: Path, *, base: int = 10) -> int | None:
    """The number in a file; ``None`` where there is none."""
    return parsed_number(text_of(path), base=base)


def parsed_number(text: str | None, *, base: int = 10) -> int | None:
    """A number, or ``None`` for anything else.

    >>> parsed_number("000001c0000000ff", base=16)
    1924145348863
    """
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def cpus_in(path: Path) -> frozenset[int]:
    """The CPU list in a file; none where it is absent or no list."""
    try:
        return frozenset(parse_cpu_list(text_of(path) or ""))
    except TopologyError:
        return frozenset()


def names_in(path: Path) -> tuple[str, ...]:
    """What a directory holds, sorted; nothing where it is absent or can't be listed."""
    try:
        return tuple(sorted(entry.name for entry in path.iterdir()))
    except OSError:
        return ()


def is_directory(path: Path) -> bool:
    """Whether it is one that can be seen."""
    try:
        return path.is_dir()
    except OSError:
        return False
