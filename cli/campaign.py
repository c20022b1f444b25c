"""``leeward campaign``: measure how workloads bear one another."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from cli.progress import Report
    from eval.campaign import KeptInDirectory

app = typer.Typer(help="Characterisation campaigns: how workloads bear one another.", no_args_is_help=True)

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from it.")]
DEFAULT_SEED = 1

_AT_ONCE = 4096
"""Vectors or labels in memory: some 100 MiB with what is made of them, however long the campaign was."""


class Source(StrEnum):
    """What a campaign is measured on."""

    TESTBED = "testbed"
    REPLAY = "replay"


@app.callback()
def _group() -> None:
    """Keeps ``run`` a command of its own while it is the only one."""


@app.command()
def run(
    directory: Annotated[
        Path | None,
        typer.Argument(help="With --source replay: a lab's recordings and its schedule.", file_okay=False),
    ] = None,
    *,
    source: Annotated[Source, typer.Option("--source", help="What to measure on.")] = Source.TESTBED,
    state: StateOption = DEFAULT,
    seed: SeedOption = DEFAULT_SEED,
    small: Annotated[bool, typer.Option("--small", help="A dozen workloads in ten groups, as in the demo.")] = False,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="How many simulated nodes.")] = None,
    mixes: Annotated[int | None, typer.Option("--mixes", min=0, help="How many random mixes.")] = None,
    clocks: Annotated[
        str | None, typer.Option("--clocks", help="Core clocks over the nominal one, such as 0.8,1,1.25.")
    ] = None,
) -> None:
    """Run the characterisation campaign and store what it measures; a run that was killed goes on when run again."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.testbed.errors import TestbedError
    from feature_repo.errors import FeatureRepositoryError

    if (source is Source.REPLAY) is (directory is None):
        raise typer.BadParameter("a directory goes with --source replay, and only with it", param_hint="DIRECTORY")
    console, ratios = Console(), _clocks(clocks)
    with complaining_of(StateError, ContractError, CampaignError, TestbedError, FeatureRepositoryError):
        place = prepared(state)
        with step(console, "characterisation campaign") as report:
            if directory is None:
                kept = characterise(
                    place, seed=seed, small=small, nodes=nodes, mixes=mixes, clocks=ratios, report=report
                )
            else:
                kept = replay(place, directory, report=report)
        with step(console, "vectors into the Feast repository") as report:
            push_vectors(place, kept, report=report)
        with step(console, "profiles and labels into the Feast repository") as report:
            write_documents(place, kept, report=report)
    whose = "measured in a lab" if source is Source.REPLAY else "all simulated"
    console.print(
        f"{kept.measured.rows} labelled windows, {kept.measured.profiles} profiles and {kept.measured.vectors} "
        f"vectors, {whose}, in {kept.path}",
        soft_wrap=True,
    )


def characterise(
    state: Path,
    *,
    seed: int,
    report: "Report",
    small: bool = False,
    nodes: int | None = None,
    mixes: int | None = None,
    clocks: tuple[float, ...] = (),
) -> "KeptInDirectory":
    """Run the campaign, or what a run before left of it, and leave its labelled traces where the training looks.

    Args:
        state: the state directory.
        seed: everything random follows from it.
        report: told what is being done.
        small: a dozen workloads take part, else all.
        nodes, mixes: how many, where the campaign's own number is not meant.
        clocks: see ``CampaignSettings``.

    Raises:
        CampaignError: another campaign lies there, or one is being run.
    """
    from eval.campaign import CampaignSettings, run_into, small_settings
    from pipelines.dataset import dataset_directory

    settings = small_settings(seed=seed) if small else CampaignSettings(seed=seed)
    settings = replace(
        settings,
        clocks=clocks,
        nodes=settings.nodes if nodes is None else nodes,
        mixes=settings.mixes if mixes is None else mixes,
    )
    return run_into(dataset_directory(state), settings, progress=report)


def replay(state: Path, directory: Path, *, report: "Report") -> "KeptInDirectory":
    """Make labelled traces of a lab's recordings and schedule, and leave them where the training looks.

    Raises:
        CampaignError: the schedule or a recording can't be used, or another campaign of its name lies there.
    """
    from eval.campaign.lab.replay import replay_into
    from pipelines.dataset import dataset_directory

    kept, left_out = replay_into(dataset_directory(state), directory, progress=report)
    for reason, times in left_out.items():
        typer.echo(f"    left out, {times} times: {reason}", err=True)
    return kept


def push_vectors(state: Path, kept: "KeptInDirectory", *, report: "Report") -> None:
    """Push all of a campaign's vectors into the feature store, which drops those that it has.

    Raises:
        FeatureRepositoryError: the store can't be opened, or refused a vector.
    """
    from feature_repo.errors import FeatureRepositoryError
    from feature_repo.ingest import Ingest
    from feature_repo.store import open_store

    report("opening the feature repository", 0.0)
    ingest = Ingest(open_store(state))
    pushed, total = 0, kept.measured.vectors
    for vectors in kept.vectors(at_most=_AT_ONCE):
        report("pushing vectors", pushed / total)
        taken = ingest.accept(vectors)
        if taken.refused:
            raise FeatureRepositoryError(f"{len(taken.refused)} vectors were refused: {taken.refused[0].reason}")
        pushed += len(vectors)


def write_documents(state: Path, kept: "KeptInDirectory", *, report: "Report") -> None:
    """Write all of a campaign's profiles and labels into the feature store, which leaves out those that it has.

    Raises:
        ContractError: the store has another profile or label of the same key and time.
        FeatureRepositoryError: the store can't be opened.
    """
    from feature_repo.labels import write_labels
    from feature_repo.profiles import write_profiles
    from feature_repo.store import open_store

    report("opening the feature repository", 0.0)
    store = open_store(state)
    profiles, total = kept.profiles(), kept.measured.profiles + kept.measured.rows
    report("writing profiles", 0.0)
    write_profiles(store, profiles)
    written = len(profiles)
    for labels in kept.labels(at_most=_AT_ONCE):
        report("writing labels", written / total)
        write_labels(store, labels)
        written += len(labels)


def _clocks(told: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(clock) for clock in told.split(",")) if told else ()
    except ValueError as error:
        raise typer.BadParameter(f"{told!r}: numbers with commas between are meant", param_hint="--clocks") from error
