"""``leeward extender``: answer kube-scheduler."""

from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim

app = typer.Typer(help="The scheduler extender: scores nodes for kube-scheduler.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``serve`` a command of its own while it is the only one."""


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 picks a free one.")] = 8888,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    state: StateOption = DEFAULT,
) -> None:
    """Serve /filter, /prioritize and /healthz until stopped."""
    with ended_by_sigterm():
        from contracts.errors import ContractError
        from scheduler_extender.errors import ExtenderError
        from scheduler_extender.main import serve as serve_extender
        from serving.errors import BundleError

        with complaining_of(StateError, ExtenderError, BundleError, ContractError):
            claim(state)
            serve_extender(state=state, host=host, port=port)
