"""``leeward version``."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

import typer


def version() -> None:
    """Print the version."""
    try:
        typer.echo(installed_version("leeward"))
    except PackageNotFoundError:
        typer.echo("unpackaged")
