"""``leeward profile WORKLOAD``: learn in minutes how one newcomer bears pressure."""

from typing import Annotated

import typer

from cli.campaign import DEFAULT_SEED, SeedOption
from cli.complaint import complaining_of
from cli.progress import step
from cli.state import DEFAULT, StateError, StateOption, prepared


def profile(
    workload: Annotated[str, typer.Argument(help="A workload of the testbed, by its profile's key.")],
    *,
    state: StateOption = DEFAULT,
    probes: Annotated[int, typer.Option("--probes", min=3, max=6, help="How many probes at most.")] = 6,
    seed: SeedOption = DEFAULT_SEED,
) -> None:
    """Profile one newcomer: alone, then beside the few stressors that tell most; the extender finds the profile."""
    from rich.console import Console

    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.campaign.probing import population_of
    from eval.campaign.profile_table import render_short_profile
    from eval.campaign.short_profile import publish_profile, short_profile
    from eval.testbed.errors import TestbedError
    from eval.testbed.workload import workload as workload_called
    from pipelines.dataset import dataset_directory, read_dataset
    from pipelines.errors import DataError

    console = Console()
    with complaining_of(StateError, ContractError, CampaignError, TestbedError, DataError):
        newcomer = workload_called(workload)
        place = prepared(state)
        with step(console, f"profile run of {workload} on a simulated spare node") as report:
            report("reading how known workloads answer", 0.0)
            population = population_of(read_dataset(dataset_directory(place)).traces, without_group=newcomer.group)
            short = short_profile(newcomer, population, seed=seed, at_most=probes, progress=report)
        file = publish_profile(place, short.profile)
    console.print(render_short_profile(short))
    console.print(f"probed profile in {file}", soft_wrap=True, highlight=False)
