"""``leeward models``: which models there are, who serves, and the server that hands them out to node agents."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.agent_options import Output, OutputOption
from cli.complaint import complaining_of
from cli.sigterm import ended_by_sigterm
from cli.state import DEFAULT, StateError, StateOption, claim, prepared

if TYPE_CHECKING:
    from contracts.model import Document
    from pipelines.registry import RegistryPlace

app = typer.Typer(
    help="Models: list, show, compare, promote, roll back; serve the champion to node agents.", no_args_is_help=True
)

RegistryOption = Annotated[
    str | None,
    typer.Option("--registry", envvar="MLFLOW_TRACKING_URI", help="MLflow; within the state directory unless said."),
]
_Which = Annotated[str, typer.Argument(help="A version's number, or champion, challenger or previous.")]


@app.command(name="list")
def list_(state: StateOption = DEFAULT, registry: RegistryOption = None, output: OutputOption = Output.TEXT) -> None:
    """List all versions, the newest first."""
    from cli.model_tables import version_lines
    from contracts.errors import ContractError
    from pipelines.errors import PipelineError
    from pipelines.versions import all_versions
    from serving.errors import BundleError

    with complaining_of(StateError, PipelineError, BundleError, ContractError):
        versions = all_versions(_place(state, registry))
    if output is Output.JSON:
        typer.echo("[" + ",\n ".join(version.to_json().decode() for version in versions) + "]")
    else:
        _say(version_lines(versions))


@app.command()
def show(
    which: _Which, state: StateOption = DEFAULT, registry: RegistryOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Show a version: its figures on workloads never seen, and what the gate said."""
    from cli.model_tables import detail_lines
    from contracts.errors import ContractError
    from pipelines.errors import PipelineError
    from pipelines.versions import one_version
    from serving.errors import BundleError

    with complaining_of(StateError, PipelineError, BundleError, ContractError):
        detail = one_version(_place(state, registry), which)
    _json(detail) if output is Output.JSON else _say(detail_lines(detail))


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="Number or alias.")] = "champion",
    second: Annotated[str, typer.Argument(help="Number or alias.")] = "challenger",
    *,
    state: StateOption = DEFAULT,
    registry: RegistryOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Put the figures of two versions side by side, champion and challenger unless said."""
    from cli.model_tables import comparison_lines
    from contracts.errors import ContractError
    from pipelines.errors import PipelineError
    from pipelines.versions import compared
    from serving.errors import BundleError

    with complaining_of(StateError, PipelineError, BundleError, ContractError):
        comparison = compared(_place(state, registry), first, second)
    _json(comparison) if output is Output.JSON else _say(comparison_lines(comparison))


@app.command()
def promote(
    which: _Which,
    *,
    traces: Annotated[
        Path | None,
        typer.Option("--traces", help="What it was trained on; the state's own unless said.", file_okay=False),
    ] = None,
    vouched_by: Annotated[
        str,
        typer.Option("--vouched-by", help="Who has compared it with a champion that the gate can't compare it with."),
    ] = "",
    state: StateOption = DEFAULT,
    registry: RegistryOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask the gate about a version, and make it champion if it may serve; else exit with 3."""
    from cli.model_tables import decision_lines
    from contracts.errors import ContractError
    from pipelines.dataset import dataset_directory, read_dataset
    from pipelines.errors import PipelineError
    from pipelines.promote import promote as ask_the_gate
    from pipelines.registry import registration_of, settings_of
    from pipelines.versions import named
    from serving.errors import BundleError
    from serving.mlflow_champion import registry_client

    with complaining_of(StateError, PipelineError, BundleError, ContractError):
        place = _place(state, registry)
        client = registry_client(place.tracking_uri)
        version = named(client, which)
        decision = ask_the_gate(
            registration_of(client, str(version.version)),
            dataset=read_dataset(traces or dataset_directory(state)),
            state=prepared(state),
            place=place,
            settings=settings_of(client, version),
            vouched_by=vouched_by.strip(),
        )
    _json(decision) if output is Output.JSON else _say(decision_lines(decision, version=str(version.version)))
    if not decision.promoted:
        raise typer.Exit(code=3)


@app.command()
def rollback(state: StateOption = DEFAULT, registry: RegistryOption = None) -> None:
    """Make the version champion again that was before this one; each call goes one further back."""
    from contracts.errors import ContractError
    from pipelines.errors import PipelineError
    from pipelines.rollback import roll_back
    from serving.errors import BundleError

    with complaining_of(StateError, PipelineError, BundleError, ContractError):
        bundle = roll_back(prepared(state), _place(state, registry))
    typer.echo(f"{bundle.manifest.name} version {bundle.manifest.version} is champion again ({bundle.digest})")


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


def _place(state: Path, registry: str | None) -> "RegistryPlace":
    """The registry that is meant.

    Raises:
        PipelineError: it is the state's own, which holds none yet; MLflow would make an empty one.
    """
    from pipelines.errors import PipelineError
    from pipelines.registry import RegistryPlace, local_registry

    if registry:
        return RegistryPlace(tracking_uri=registry)
    place = local_registry(state)
    if not Path(place.tracking_uri.removeprefix("sqlite:///")).exists():
        raise PipelineError(
            f"{state} holds no models yet: train one with `leeward train --local`, or name an MLflow with --registry"
        )
    return place


def _say(lines: list[str]) -> None:
    typer.echo("\n".join(lines))


def _json(document: "Document") -> None:
    typer.echo(document.to_json(indent=2).decode())
