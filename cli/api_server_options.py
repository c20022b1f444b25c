"""How a command proves itself to an API server that is named by its URL."""

from pathlib import Path
from typing import Annotated

import typer

CaFileOption = Annotated[
    Path | None, typer.Option(help="With --api-server: its certificate authority.", dir_okay=False)
]
TokenFileOption = Annotated[
    Path | None, typer.Option(help="With --api-server: a bearer token, read for each request.", dir_okay=False)
]
