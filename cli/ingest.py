"""``leeward ingest``: take vectors from node agents."""

import logging
from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim

app = typer.Typer(help="Ingest: the way of vectors from node agents into the feature store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``serve`` a command of its own while it is the only one."""


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 picks a free one.")] = 8081,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on: whoever reaches it may write.")
    ] = "127.0.0.1",
    state: StateOption = DEFAULT,
) -> None:
    """Serve /v1/vectors and /healthz until stopped."""
    with ended_by_sigterm(), complaining_of(StateError):
        claim(state)
        from feature_repo.endpoint import serve as serve_ingest
        from feature_repo.errors import FeatureRepositoryError
        from serving.json_lines import write_to_standard_error

        write_to_standard_error(logging.getLogger("leeward.ingest"), level=logging.INFO)
        write_to_standard_error(logging.getLogger("uvicorn"), level=logging.WARNING)
        with complaining_of(FeatureRepositoryError):
            serve_ingest(state=state, host=host, port=port)
