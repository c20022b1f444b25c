"""``leeward train``: run the training pipeline, here or on a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.local_run import TrainingOutcome


def train(
    *,
    local: Annotated[bool, typer.Option("--local", help="Run the pipeline on this machine.")] = False,
    submit: Annotated[bool, typer.Option("--submit", help="Have a Kubeflow endpoint run it on a cluster.")] = False,
    state: StateOption = DEFAULT,
    host: Annotated[
        str, typer.Option(help="With --submit: URL of Kubeflow Pipelines.", envvar="KF_PIPELINES_ENDPOINT")
    ] = "",
    mlflow: Annotated[
        str, typer.Option(help="With --submit: MLflow, as the cluster's pods reach it.", envvar="MLFLOW_TRACKING_URI")
    ] = "",
    namespace: Annotated[
        str, typer.Option(help="With --submit: Kubeflow profile, where it serves several users.")
    ] = "",
    image: Annotated[str, typer.Option(help="With --submit: image of the components; the default is Leeward's.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="With --submit: file with a bearer token.", dir_okay=False)
    ] = None,
    recurring: Annotated[
        str, typer.Option(metavar="CRON", help="With --submit: again and again; six fields, seconds first.")
    ] = "",
) -> None:
    """Train a model, hold it out, register it, and ask the gate."""
    if local == submit:
        typer.echo("leeward: give --local to train on this machine, or --submit to have a cluster do it", err=True)
        raise typer.Exit(code=2)
    if local:
        _train_here(state)
    elif not host or not mlflow:
        typer.echo("leeward: --submit needs --host, Kubeflow Pipelines' URL, and --mlflow, MLflow's", err=True)
        raise typer.Exit(code=2)
    else:
        _submit(host=host, mlflow=mlflow, namespace=namespace, image=image, token_file=token_file, recurring=recurring)


def _train_here(state: Path) -> None:
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.errors import PipelineError
    from pipelines.local_run import train_locally
    from serving.errors import BundleError

    console = Console()
    with complaining_of(StateError, ContractError, FeatureRepositoryError, PipelineError, BundleError):
        directory = prepared(state)
        with step(console, "training pipeline") as report:
            outcome = train_locally(directory, progress=report)
    show_outcome(console, outcome)


def _submit(*, host: str, mlflow: str, namespace: str, image: str, token_file: Path | None, recurring: str) -> None:
    from pipelines.component_image import DEFAULT_IMAGE
    from pipelines.errors import PipelineError
    from pipelines.registry import RegistryPlace
    from pipelines.settings import TrainingSettings
    from pipelines.submission import Submission, submit
    from pipelines.task_needs import STATE, TRACES

    with complaining_of(PipelineError, OSError):
        submission = Submission(
            host=host,
            registry=RegistryPlace(tracking_uri=mlflow),
            settings=TrainingSettings(),
            image=image or DEFAULT_IMAGE,
            namespace=namespace,
            token=token_file.read_text().strip() if token_file else "",
            traces=TRACES,
            state=STATE,
            recurring=recurring,
        )
        submitted = submit(submission)
    uploaded = "uploaded" if submitted.uploaded else "known there already"
    what = f"recurring run {submitted.run}, {recurring}" if recurring else f"run {submitted.run}"
    typer.echo(f"pipeline version {submitted.name} ({uploaded})\n{what}\n{submitted.address}")


def show_outcome(console: "Console", outcome: "TrainingOutcome") -> None:
    """Say what was trained on and registered, and what the gate said."""
    report = outcome.report
    seconds = ", ".join(f"{name} {spent:.0f} s" for name, spent in outcome.seconds.items())
    console.print(
        f"    {report.traces} traces of {len(report.groups)} workload groups, joined with their vectors as of then; "
        f"axes judged: {', '.join(report.judged)}"
    )
    if any(each.said for each in report.agreement):
        from pipelines.agreement import agreement_table

        console.print("    injected stressors and top-down rules on the same windows:")
        for line in agreement_table(report.agreement).splitlines():
            console.print(f"      {line}", highlight=False, soft_wrap=True)
    decision = "is now champion" if outcome.decision.promoted else "was [yellow]not promoted[/yellow]"
    console.print(f"    {outcome.model} version {outcome.version} {decision} ({seconds})")
    for reason in outcome.decision.reasons:
        console.print(f"    gate: {reason}")
