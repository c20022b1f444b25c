"""``leeward eval``: what the models are worth, and what placement gains."""

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

app = typer.Typer(help="Honest figures, on workloads never seen in training.", no_args_is_help=True)


@app.command()
def heldout(*, state: StateOption = DEFAULT) -> None:
    """Held-out accuracy of regimes and bounds, from the traces in the state directory."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.heldout import evaluate_held_out, render_held_out
    from pipelines.errors import PipelineError

    console = Console()
    with complaining_of(StateError, ContractError, EvaluationError, PipelineError):
        directory = prepared(state)
        with step(console, "held-out evaluation") as report:
            found = evaluate_held_out(directory, progress=report)
    console.print(render_held_out(found))


@app.command()
def placement(*, state: StateOption = DEFAULT) -> None:
    """Placement of workloads never seen, by Leeward, by the default scheduler, by a threshold, and by an oracle."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.placement import compare, render_placement
    from eval.testbed.errors import TestbedError
    from pipelines.errors import PipelineError
    from scheduler_extender.errors import ExtenderError
    from serving.errors import BundleError

    console = Console()
    with complaining_of(
        *(StateError, ContractError, EvaluationError, TestbedError, PipelineError, ExtenderError, BundleError)
    ):
        directory = prepared(state)
        with step(console, "placement comparison") as report:
            found = compare(directory, progress=report)
    console.print(render_placement(found))
