"""``leeward train``: run the training pipeline, here or on a cluster."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.engine import Engine
    from pipelines.local_run import TrainingOutcome
    from pipelines.settings import TrainingSettings

MANY_GROUPS = 30
"""From so many workload groups on a rate of ``HIGHER_RATE`` costs little more than its own width."""

HIGHER_RATE = 0.9


def train(
    *,
    local: Annotated[bool, typer.Option("--local", help="Run the pipeline on this machine.")] = False,
    submit: Annotated[bool, typer.Option("--submit", help="Have a Kubeflow endpoint run it on a cluster.")] = False,
    state: StateOption = DEFAULT,
    rate: Annotated[
        float | None, typer.Option(help="Share of rows of a workload never seen that bounds are stated to hold for.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Into how many parts of whole workload groups the data are cut, at most.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="All settings of a training; options win over it.", dir_okay=False),
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="local|dask", help="Who checks vectors and fits: one process, or a Dask cluster.")
    ] = "local",
    scheduler: Annotated[
        str,
        typer.Option(help="With --engine dask: the scheduler, as tcp://HOST:8786; --local starts a cluster itself."),
    ] = "",
    dask_workers: Annotated[
        int | None, typer.Option(help="With --engine dask and no scheduler: how many processes; 2 unless said.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="With --local: every check of the gate.")] = False,
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
    if submit and not (host and mlflow):
        typer.echo("leeward: --submit needs --host, Kubeflow Pipelines' URL, and --mlflow, MLflow's", err=True)
        raise typer.Exit(code=2)
    if submit and engine == "dask" and not scheduler:
        typer.echo("leeward: --submit --engine dask needs --scheduler, as the cluster's pods reach it", err=True)
        raise typer.Exit(code=2)
    chosen = _settings(settings, rate=rate, folds=folds, seed=seed)
    fitting = _engine(engine, scheduler=scheduler, workers=dask_workers)
    if local:
        _train_here(state, chosen, fitting, verbose=verbose)
    else:
        _submit(
            chosen,
            fitting,
            host=host,
            mlflow=mlflow,
            namespace=namespace,
            image=image,
            token_file=token_file,
            recurring=recurring,
        )


def _settings(file: Path | None, **options: float | None) -> "TrainingSettings":
    """Those of the file or the defaults, under those that options name; exits where they are none."""
    from contracts.errors import ContractError
    from pipelines.settings import TrainingSettings

    with complaining_of(ContractError, OSError):
        told = TrainingSettings() if file is None else TrainingSettings.from_json(file.read_bytes())
        given = {name: value for name, value in options.items() if value is not None}
        return TrainingSettings.from_json(json.dumps({**json.loads(told.to_json()), **given}))


def _engine(name: str, *, scheduler: str, workers: int | None) -> "Engine":
    """The engine that options name; exits where they are none."""
    from contracts.errors import ContractError
    from pipelines.engine import Engine

    given = {"scheduler": scheduler or None, "workers": workers}
    with complaining_of(ContractError):
        told = {key: value for key, value in given.items() if value is not None}
        return Engine.from_json(json.dumps({"name": name, **told}))


def _train_here(state: Path, settings: "TrainingSettings", engine: "Engine", *, verbose: bool) -> None:
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
            outcome = train_locally(directory, settings, engine=engine, progress=report)
    show_outcome(console, outcome, verbose=verbose)


def _submit(
    settings: "TrainingSettings",
    engine: "Engine",
    *,
    host: str,
    mlflow: str,
    namespace: str,
    image: str,
    token_file: Path | None,
    recurring: str,
) -> None:
    from pipelines.component_image import DEFAULT_IMAGE
    from pipelines.errors import PipelineError
    from pipelines.registry import RegistryPlace
    from pipelines.submission import Submission, submit
    from pipelines.task_needs import STATE, TRACES

    with complaining_of(PipelineError, OSError):
        submission = Submission(
            host=host,
            registry=RegistryPlace(tracking_uri=mlflow),
            settings=settings,
            engine=engine,
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


def show_outcome(console: "Console", outcome: "TrainingOutcome", *, verbose: bool = False) -> None:
    """Say what was trained on and registered, how bounds held on workloads never seen, and what the gate said.

    Args:
        console: where.
        outcome: of the training.
        verbose: every check of the gate; else only those that refuse.
    """
    from rich.markup import escape

    report, decision = outcome.report, outcome.decision
    _say(
        console,
        f"{report.traces} traces of {len(report.groups)} workload groups, joined with their vectors as of then; "
        f"axes judged: {', '.join(report.judged)}",
    )
    if any(each.said for each in report.agreement):
        from pipelines.agreement import agreement_table

        _say(console, "injected stressors and top-down rules on the same windows:")
        for line in agreement_table(report.agreement).splitlines():
            console.print(f"      {line}", highlight=False, soft_wrap=True)
    for check in decision.coverage:
        _say(
            console,
            f"victims never seen, known by {check.tier}: {check.coverage:.1%} of rows within their bounds, stated "
            f"{check.nominal:.0%} ({check.groups} groups, {check.lower:.1%} to {check.upper:.1%})",
        )
    if len(report.groups) >= MANY_GROUPS and outcome.settings.rate < HIGHER_RATE:
        _say(console, f"{len(report.groups)} groups support a higher rate: try --rate {HIGHER_RATE}")
    verdict = "is now champion" if decision.promoted else "was [yellow]not promoted[/yellow]"
    seconds = ", ".join(f"{name} {spent:.0f} s" for name, spent in outcome.seconds.items())
    _say(console, f"{outcome.model} version {outcome.version} {verdict} ({seconds})")
    for reason in decision.reasons if verbose else decision.refusals:
        _say(console, f"gate: {'[yellow]refused:[/yellow] ' if reason in decision.refusals else ''}{escape(reason)}")
    if not verbose:
        _say(console, f"every check of the gate: leeward models show {outcome.version}")


def _say(console: "Console", sentence: str) -> None:
    """A sentence below a step's line, indented on all its lines."""
    from rich.padding import Padding

    console.print(Padding(sentence, (0, 0, 0, 4)))
