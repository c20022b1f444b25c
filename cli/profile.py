"""``leeward profile WORKLOAD``: learn in minutes how one newcomer bears pressure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.campaign import DEFAULT_SEED, SeedOption
from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from contracts.profile import WorkloadProfile


def profile(
    workload: Annotated[str, typer.Argument(help="A workload of the testbed, by its profile's key.")],
    *,
    state: StateOption = DEFAULT,
    probes: Annotated[int, typer.Option("--probes", min=1, max=6, help="How many probes at most.")] = 6,
    seed: SeedOption = DEFAULT_SEED,
) -> None:
    """Profile one newcomer: alone, then beside the few stressors that tell most; the extender finds the profile."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.campaign.probing import population_of
    from eval.campaign.profile_table import render_short_profile
    from eval.campaign.short_profile import short_profile
    from eval.testbed.catalogue import workload as workload_called
    from eval.testbed.errors import TestbedError
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.dataset import dataset_directory, read_dataset
    from pipelines.errors import DataError
    from serving.published_profile import publish_profile

    console = Console()
    with complaining_of(StateError, ContractError, CampaignError, TestbedError, DataError, FeatureRepositoryError):
        newcomer = workload_called(workload)
        place = prepared(state)
        with step(console, f"profile run of {workload} on a simulated spare node") as report:
            report("reading how known workloads answer", 0.0)
            population = population_of(read_dataset(dataset_directory(place)), without_group=newcomer.group)
            short = short_profile(newcomer, population, seed=seed, at_most=probes, progress=report)
        with step(console, "profile into the Feast repository"):
            stored = stored_profile(place, short.profile)
        file = publish_profile(place, stored)
    console.print(render_short_profile(short))
    console.print(f"probed profile in {file}", soft_wrap=True, highlight=False)


def stored_profile(state: Path, measured: "WorkloadProfile") -> "WorkloadProfile":
    """Write a profile into the feature store, unless the latest one there was measured the same.

    Simulated time begins anew with each profile run. Where the store knows a later profile, this one is of a run that
    came after that.

    Returns:
        The profile as the store has it.

    Raises:
        FeatureRepositoryError: the store can't be opened.
    """
    from feature_repo.profiles import latest_profile, write_profiles
    from feature_repo.store import open_store

    store = open_store(state)
    known = latest_profile(store, measured.key)
    if known is not None and known.last_seen >= measured.last_seen:
        if known == _seen_with(measured, known):
            return known
        measured = _seen_after(measured, known)
    write_profiles(store, [measured])
    return measured


def _seen_with(measured: "WorkloadProfile", known: "WorkloadProfile") -> "WorkloadProfile":
    return measured.model_copy(update={"first_seen": known.first_seen, "last_seen": known.last_seen})


def _seen_after(measured: "WorkloadProfile", known: "WorkloadProfile") -> "WorkloadProfile":
    lasted = measured.last_seen - measured.first_seen
    return measured.model_copy(update={"first_seen": known.last_seen, "last_seen": known.last_seen + lasted})
