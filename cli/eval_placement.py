"""``leeward eval placement``: what placement gains."""

from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared


def placement(
    *,
    state: StateOption = DEFAULT,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many simulated nodes.")] = 16,
    pods: Annotated[int, typer.Option("--pods", min=1, help="Arrivals a seed, at least.")] = 140,
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="How often, with other arrivals.")] = 6,
    mix: Annotated[str, typer.Option("--mix", help="What kind of pods come.")] = "mixed",
    policies: Annotated[str, typer.Option("--policies", help="Such as default,leeward,oracle; all if empty.")] = "",
    load: Annotated[float, typer.Option("--load", help="Share of the CPUs that is asked for.")] = 0.5,
    resume: Annotated[bool, typer.Option("--resume/--anew", help="Use what was played before.")] = True,
) -> None:
    """Placement of workloads never seen, by Leeward and by what else there is; an oracle says what could be had."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.placement import compare, render_placement, settings_for, write_picture
    from eval.testbed.errors import TestbedError
    from pipelines.errors import PipelineError
    from scheduler_extender.errors import ExtenderError
    from scheduler_extender.settings import read_settings
    from serving.errors import BundleError

    console = Console()
    with complaining_of(
        *(StateError, ContractError, EvaluationError, TestbedError, PipelineError, ExtenderError, BundleError)
    ):
        directory = prepared(state)
        settings = settings_for(
            mix=mix,
            policies=policies,
            nodes=nodes,
            pods=pods,
            seeds=seeds,
            load=load,
            leeward_policy=read_settings(directory).leeward_policy,
        )
        with step(console, "placement comparison") as report:
            found = compare(directory, settings, resume=resume, progress=report)
        picture = write_picture(found, directory)
    console.print(render_placement(found))
    console.print(f"Picture: {picture}", soft_wrap=True)
