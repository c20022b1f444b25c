"""``leeward testbed``: see what the simulated hardware does."""

from pathlib import Path
from typing import Annotated

import typer

from cli.complaint import complaining_of

app = typer.Typer(help="The simulated testbed.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``pictures`` a command of its own while it is the only one."""


@app.command()
def pictures(
    *,
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Directory for the SVG files; those of the same names are replaced.", file_okay=False
        ),
    ] = Path("docs/pictures"),
) -> None:
    """Draw what each mechanism of the simulated hardware does."""
    from rich.console import Console

    from cli.progress import step
    from eval.pictures.errors import PictureError
    from eval.pictures.gallery import write_pictures
    from eval.testbed.errors import TestbedError

    console = Console()
    with complaining_of(PictureError, TestbedError), step(console, "pictures of the testbed") as report:
        files = write_pictures(to, progress=report)
    console.print(f"{len(files)} pictures, all simulated, in {to}", soft_wrap=True, highlight=False)
