"""``leeward extender``: answer kube-scheduler."""

import os
from typing import Annotated

import typer

from cli.api_server_options import CaFileOption, TokenFileOption
from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim

app = typer.Typer(help="The scheduler extender: scores nodes for kube-scheduler.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``serve`` a command of its own while it is the only one."""


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="TCP port; 0 picks a free one.")] = 8888,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    state: StateOption = DEFAULT,
    api_server: Annotated[
        str,
        typer.Option(
            "--api-server",
            metavar="URL",
            help="Follow this API server's nodes, NodeStates and pods; within a pod the cluster's own is found.",
        ),
    ] = "",
    ca_file: CaFileOption = None,
    token_file: TokenFileOption = None,
    profiles_url: Annotated[
        str,
        typer.Option(
            "--profiles-url",
            envvar="LEEWARD_PROFILES_URL",
            metavar="URL",
            help="Follow the profiles of this ingest's feature store; what it hands out lies in the state directory.",
        ),
    ] = "",
    debug: Annotated[bool, typer.Option("--debug", help="Log a line for each pod that is placed.")] = False,
) -> None:
    """Answer kube-scheduler until stopped."""
    with ended_by_sigterm():
        from contracts.errors import ContractError
        from scheduler_extender.api_server import ApiServer
        from scheduler_extender.errors import ExtenderError
        from scheduler_extender.main import serve as serve_extender
        from serving.errors import BundleError

        with complaining_of(StateError, ExtenderError, BundleError, ContractError):
            followed = (
                ApiServer(url=api_server, ca_file=ca_file, token_file=token_file)
                if api_server
                else ApiServer.in_cluster(os.environ)
            )
            claim(state)
            serve_extender(
                state=state,
                host=host,
                port=port,
                api_server=followed,
                profiles_url=profiles_url,
                debugging=debug,
            )
