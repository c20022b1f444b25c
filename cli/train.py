"""``leeward train``: run the training pipeline."""

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
    state: StateOption = DEFAULT,
) -> None:
    """Train a model, hold it out, register it, and ask the gate."""
    if not local:
        typer.echo("leeward: this version knows no Kubeflow endpoint: give --local to train on this machine", err=True)
        raise typer.Exit(code=2)

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


def show_outcome(console: "Console", outcome: "TrainingOutcome") -> None:
    """Say what was registered, and what the gate said."""
    report = outcome.report
    seconds = ", ".join(f"{name} {spent:.0f} s" for name, spent in outcome.seconds.items())
    console.print(
        f"    {report.traces} traces of {len(report.groups)} workload groups, joined with their vectors as of then; "
        f"axes judged: {', '.join(report.judged)}"
    )
    decision = "is now champion" if outcome.decision.promoted else "was [yellow]not promoted[/yellow]"
    console.print(f"    {outcome.model} version {outcome.version} {decision} ({seconds})")
    for reason in outcome.decision.reasons:
        console.print(f"    gate: {reason}")
