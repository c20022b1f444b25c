"""``leeward traces``: measurements from elsewhere, imported, checked, and taken into a state directory.

An import writes nothing into a feature store: what is known there does not change, and a mapping is seldom right at
once. What was validated is taken.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from eval.traces.import_table import Imported
    from eval.traces.mapping import Mapping
    from eval.traces.refusal import Refusals
    from eval.traces.validate import Validated

app = typer.Typer(
    help="Measurements from elsewhere: import tables, validate and take labelled traces.", no_args_is_help=True
)

_NewDirectory = Annotated[Path, typer.Option("--out", help="A new directory for what comes of it.", file_okay=False)]


@app.command(name="import")
def import_(
    table: Annotated[Path, typer.Argument(help="The table: CSV of PCM, perf stat or your own.", dir_okay=False)],
    mapping: Annotated[Path, typer.Option("--mapping", help="What its columns mean, in TOML.", dir_okay=False)],
    out: _NewDirectory,
) -> None:
    """Turn a table into feature vectors and, where the mapping says how, labelled traces (docs/foreign-traces.md)."""
    from contracts.errors import ContractError
    from eval.traces.errors import TracesError
    from eval.traces.import_table import import_table
    from eval.traces.mapping import read_mapping
    from eval.traces.output import REFUSED_FILE, finished_directory, write_imported
    from eval.traces.refusal import Refusals

    with complaining_of(TracesError, ContractError), finished_directory(out) as target:
        how = read_mapping(mapping)
        with (target / REFUSED_FILE).open("w", encoding="utf-8") as sink:
            refusals = Refusals(sink=sink)
            imported = import_table(table, how, refusals=refusals, beside=mapping.parent)
        write_imported(imported, target)
    for line in _import_lines(imported, how, refusals, out):
        typer.echo(line)


@app.command()
def validate(
    directory: Annotated[Path, typer.Argument(help="Holds labelled traces and their profiles.", file_okay=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A new directory for good rows and the list of refused.", file_okay=False),
    ] = None,
    *,
    foreign: Annotated[bool, typer.Option("--foreign", help="Accept rows of CPUs that are not characterised.")] = False,
) -> None:
    """Check labelled traces row by row; exit code 1 where a row is refused."""
    from contracts.errors import ContractError
    from eval.traces.errors import TracesError
    from eval.traces.refusal import Refusals
    from eval.traces.validate import validate as validate_traces

    refusals = Refusals()
    with complaining_of(TracesError, ContractError):
        validated = validate_traces(directory, refusals=refusals, out=out, foreign=foreign)
    for line in _validation_lines(validated, refusals, out):
        typer.echo(line)
    if refusals.total:
        raise typer.Exit(code=1)


@app.command()
def take(
    directory: Annotated[Path, typer.Argument(help="Labelled traces, their profiles and vectors.", file_okay=False)],
    *,
    state: StateOption = DEFAULT,
) -> None:
    """Take labelled traces that are good to the last row into a state directory, where the training finds them."""
    from rich.console import Console

    from cli.campaign import push_vectors, write_documents
    from cli.progress import step
    from contracts.errors import ContractError
    from eval.campaign.errors import CampaignError
    from eval.traces.errors import TracesError
    from eval.traces.refusal import Refusals
    from eval.traces.taken import take_into
    from eval.traces.validate import validate as validate_traces
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.dataset import dataset_directory

    refusals, console = Refusals(), Console()
    with complaining_of(StateError, TracesError, ContractError, CampaignError, FeatureRepositoryError):
        validated = validate_traces(directory, refusals=refusals)
        for line in _validation_lines(validated, refusals, None):
            typer.echo(line)
        if refusals.total:
            typer.echo("leeward: nothing was taken: leeward traces validate --out keeps the good rows apart", err=True)
            raise typer.Exit(code=1)
        place = prepared(state)
        for kept in take_into(dataset_directory(place), directory):
            with step(console, f"campaign {kept.name} into the Feast repository") as report:
                push_vectors(place, kept, report=report)
                write_documents(place, kept, report=report)


def _import_lines(imported: "Imported", mapping: "Mapping", refusals: "Refusals", out: Path) -> Iterator[str]:
    from contracts.features import FEATURE_SCHEMA_V1
    from eval.traces.refusal import listed

    vectors = len(imported.vectors)
    yield f"{out}: {vectors} vectors and {len(imported.traces)} labelled traces of {imported.rows} rows"
    if imported.incomplete:
        yield f"{imported.incomplete} sample(s) came to no whole window"
    yield f"features: {len(imported.features)} of {len(FEATURE_SCHEMA_V1)}"
    for name, count in imported.features.items():
        yield f"  {name}: in {count} of {vectors}"
    for (name, reason), count in sorted(imported.missing.items()):
        if name in imported.features or reason != "not in the table":
            yield f"  {name}: missing in {count}, {reason}"
    yield "columns that nothing is made of:"
    for reason, names in imported.columns.items():
        yield f"  {listed(names, most=4)}: {reason}"
    if not mapping.node.characterised:
        cpu = f"{mapping.node.cpu_vendor} family {mapping.node.cpu_family}, model {mapping.node.cpu_model}"
        yield f"{cpu} is not characterised: every regime is unknown, nothing is labelled by rules, and rows are of"
        yield f"campaign {mapping.campaign_name}, which `leeward traces validate` keeps out of a training"
    yield from _refusal_lines(refusals)


def _validation_lines(validated: "Validated", refusals: "Refusals", out: Path | None) -> Iterator[str]:
    yield f"{validated.good} of {validated.rows} rows are good, of {len(validated.groups)} groups" + (
        f", in {out}" if out is not None else ""
    )
    if validated.simulated:
        yield f"{validated.simulated} of them say that they are simulated"
    for name in validated.unfinished:
        yield f"{name} is not whole: it stopped, and was not run to its end"
    if not validated.with_vectors:
        yield "no vectors beside them: whether before was measured before during was not checked"
    yield from _refusal_lines(refusals)


def _refusal_lines(refusals: "Refusals") -> Iterator[str]:
    if not refusals.total:
        return
    yield f"refused: {refusals.total}"
    for kind, count in refusals.counts.most_common():
        yield f"  {count} {kind}"
    for each in refusals.shown:
        yield f"{each.file}:{each.row}: {each.reason}; {each.advice}"
    if refusals.total > len(refusals.shown):
        yield "and more"
