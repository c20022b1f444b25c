"""The kernel's small files, as text and numbers; what can't be read says which file."""

from pathlib import Path

_MOST_DIGITS = 19
"""Of a number below 2^63, the largest that these files hold."""


def read_text(path: Path, *, at_most: int = -1) -> str:
    """A file's text without the white space around it; bytes that are no ASCII become ``\\ufffd``.

    Args:
        path: of the file.
        at_most: bytes to read; -1 for all.

    Raises:
        OSError: it can't be read; ``filename`` is set even where only reading failed.
    """
    try:
        with path.open("rb", buffering=0) as file:
            content = file.read(at_most) or b""
    except OSError as error:
        error.filename = str(path)
        raise
    return content.decode("ascii", errors="replace").strip()


def read_number(path: Path) -> int | None:
    """The decimal number in a file; ``None`` where it holds something else.

    Raises:
        OSError: it can't be read.
    """
    text = read_text(path)
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None
