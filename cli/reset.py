"""``leeward reset``: deletes the local state."""

import shutil

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, MARKER, StateError, StateOption, is_ours


def reset(state: StateOption = DEFAULT) -> None:
    """Delete the local state: measurements, features, models, reports."""
    with complaining_of(StateError):
        if not state.exists():
            typer.echo(f"{state} does not exist: nothing to delete")
            return
        if not is_ours(state):
            raise StateError(f"{state} has no {MARKER}, so Leeward did not make it: delete it yourself if you mean it")
        shutil.rmtree(state)
        typer.echo(f"{state} deleted")
