"""``leeward eval packing``: how many pods a node holds, at the same harm under every policy."""

from typing import Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared


def packing(
    *,
    state: StateOption = DEFAULT,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many simulated nodes.")] = 8,
    pods: Annotated[int, typer.Option("--pods", min=1, help="Arrivals a seed, at least.")] = 70,
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="How often at each load, with other arrivals.")] = 8,
    mix: Annotated[str, typer.Option("--mix", help="What kind of pods come.")] = "mixed",
    policies: Annotated[str, typer.Option("--policies", help="Such as default,leeward,oracle; all if empty.")] = "",
    loads: Annotated[str, typer.Option("--loads", help="Shares of the CPUs, rising.")] = "0.3,0.4,0.5,0.6,0.7,0.8",
    harm: Annotated[float, typer.Option("--harm", help="Violated share of the pods' time that is accepted.")] = 0.02,
) -> None:
    """Pods a node at equal harm, by Leeward and by what else there is; what was played before is used."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.placement import compare_packing, render_packing, settings_for, write_packing_picture
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
        own = read_settings(directory).leeward_policy
        settings = [
            settings_for(mix=mix, policies=policies, nodes=nodes, pods=pods, seeds=seeds, load=load, leeward_policy=own)
            for load in _shares(loads)
        ]
        with step(console, "packing comparison") as report:
            found = compare_packing(directory, settings, harm=harm, progress=report)
        picture = write_packing_picture(found, directory)
    console.print(render_packing(found))
    console.print(f"Picture: {picture}", soft_wrap=True)


def _shares(loads: str) -> list[float]:
    try:
        return [float(load) for load in loads.split(",") if load.strip()]
    except ValueError:
        raise typer.BadParameter(f"{loads!r} is no list of shares such as 0.3,0.5,0.7", param_hint="--loads") from None
