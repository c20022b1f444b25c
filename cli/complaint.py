"""How a command fails: one sentence on standard error, and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def complaining_of(*errors: type[Exception]) -> Iterator[None]:
    """Turn a room's own errors, whose messages are made for people, into an exit; others are bugs and pass through."""
    try:
        yield
    except errors as error:
        typer.echo(f"leeward: {error}", err=True)
        raise typer.Exit(code=1) from error
