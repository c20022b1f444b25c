"""``leeward models``: hand models out to node agents."""

from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim

app = typer.Typer(help="The model server: hands the champion's bundle out to node agents.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``serve`` a command of its own while it is the only one."""


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 picks a free one.")] = 8080,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    state: StateOption = DEFAULT,
) -> None:
    """Serve /v1/champion, /v1/bundles and /healthz until stopped; MLFLOW_TRACKING_URI names a registry to follow."""
    with ended_by_sigterm():
        from serving.errors import BundleError, ModelServerError
        from serving.model_server import serve as serve_models

        with complaining_of(StateError, ModelServerError, BundleError):
            claim(state)
            serve_models(state=state, host=host, port=port)
