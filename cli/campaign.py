"""``leeward campaign``: measure how workloads bear one another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.progress import Report, step
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from eval.campaign import Campaign

app = typer.Typer(help="Characterisation campaigns on the simulated testbed.", no_args_is_help=True)

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from it.")]
DEFAULT_SEED = 1

_PUSHED_AT_ONCE = 256


@app.callback()
def _group() -> None:
    """Keeps ``run`` a command of its own while it is the only one."""


@app.command()
def run(*, state: StateOption = DEFAULT, seed: SeedOption = DEFAULT_SEED) -> None:
    """Run the characterisation campaign, and push its vectors into the feature store."""
    from rich.console import Console

    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.testbed.errors import TestbedError
    from feature_repo.errors import FeatureRepositoryError

    console = Console()
    with complaining_of(StateError, ContractError, CampaignError, TestbedError, FeatureRepositoryError):
        directory = prepared(state)
        with step(console, "characterisation campaign") as report:
            campaign = characterise(directory, seed=seed, report=report)
        with step(console, "vectors into the Feast repository") as report:
            push_vectors(directory, campaign, report=report)
    console.print(
        f"{len(campaign.rows)} labelled windows, {len(campaign.profiles)} profiles and {len(campaign.vectors)} "
        f"vectors, all simulated, in {directory}"
    )


def characterise(state: Path, *, seed: int, report: Report) -> "Campaign":
    """Run the campaign, and leave its labelled traces where the training looks for them."""
    from eval.campaign import CampaignSettings, run_campaign, write_campaign
    from pipelines.dataset import dataset_directory

    campaign = run_campaign(CampaignSettings(seed=seed), progress=report)
    write_campaign(campaign, dataset_directory(state))
    return campaign


def push_vectors(state: Path, campaign: "Campaign", *, report: Report) -> None:
    """Push all of a campaign's vectors into the feature store.

    Raises:
        FeatureRepositoryError: the store can't be opened, or refused a vector.
    """
    from feature_repo.errors import FeatureRepositoryError
    from feature_repo.ingest import Ingest
    from feature_repo.store import open_store

    report("opening the feature repository", 0.0)
    ingest = Ingest(open_store(state))
    vectors = campaign.vectors
    for first in range(0, len(vectors), _PUSHED_AT_ONCE):
        report("pushing vectors", first / len(vectors))
        taken = ingest.accept(vectors[first : first + _PUSHED_AT_ONCE])
        if taken.refused:
            raise FeatureRepositoryError(f"{len(taken.refused)} vectors were refused: {taken.refused[0].reason}")
