"""The local state directory: where everything lies that Leeward keeps without a server."""

from pathlib import Path
from typing import Annotated

import typer

MARKER = ".leeward-state"
"""A file that tells a directory which Leeward made from one that it must not delete."""

DEFAULT = Path(".leeward")

StateOption = Annotated[
    Path,
    typer.Option(
        "--state",
        help="Directory for everything that is kept locally.",
        envvar="LEEWARD_STATE",
        file_okay=False,
    ),
]


class StateError(RuntimeError):
    """A directory can't serve as state."""


def prepared(state: Path) -> Path:
    """The directory, made and marked as Leeward's where it did not exist or was empty.

    Raises:
        StateError: it holds something that is not Leeward's, or can't be written.
    """
    claim(state)
    if not is_ours(state):
        raise StateError(f"{state} holds files that are not Leeward's: name an empty or a new directory")
    return state.resolve()


def claim(state: Path) -> None:
    """Make the directory and mark it as Leeward's, unless somebody else has put something there.

    Raises:
        StateError: it can't be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not any(state.iterdir()):
            (state / MARKER).write_text("Leeward's local state. `leeward reset` deletes this directory.\n")
    except OSError as error:
        raise StateError(f"{state} can't be used as state: {error.strerror}; name a writable directory") from error


def is_ours(state: Path) -> bool:
    """Whether Leeward made the directory."""
    return (state / MARKER).is_file()
