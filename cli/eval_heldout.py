"""``leeward eval heldout``: what models say of workloads that they have not seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from eval.heldout.traces import Traces


def heldout(
    *,
    state: StateOption = DEFAULT,
    traces: Annotated[
        Path | None,
        typer.Option(help="Labelled traces that lie elsewhere: imported, or a campaign's.", file_okay=False),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="Another tool's table, with --mapping.", dir_okay=False)] = None,
    mapping: Annotated[Path | None, typer.Option(help="What its columns mean, in TOML.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one page.", dir_okay=False)] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.", dir_okay=False)] = None,
    groups: Annotated[str | None, typer.Option(help="Hold out these alone, with commas between.")] = None,
    rate: Annotated[float | None, typer.Option(help="That bounds state, where models are made here.")] = None,
) -> None:
    """Held-out accuracy of regimes and bounds: of the state directory's traces, of others, or of a foreign table."""
    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.heldout import evaluate_held_out, render_held_out
    from eval.heldout.evaluate import evaluate_traces
    from eval.heldout.traces import traces_in
    from eval.traces.errors import TracesError
    from pipelines.errors import PipelineError
    from pipelines.settings import TrainingSettings
    from serving.replacement import replace_file

    if (table is None) is not (mapping is None) or (table is not None and traces is not None):
        raise typer.BadParameter("--table goes with --mapping, and without --traces", param_hint="--table")
    if rate is not None and traces is None and table is None:
        raise typer.BadParameter("the state directory's bounds state what the training did", param_hint="--rate")
    console, chosen = Console(), tuple(groups.split(",")) if groups else ()
    settings = TrainingSettings() if rate is None else TrainingSettings(rate=rate, upper=max(rate, 0.6))
    with (
        complaining_of(StateError, ContractError, EvaluationError, PipelineError, TracesError),
        step(console, "held-out evaluation") as report,
    ):
        if table is not None and mapping is not None:
            with _imported(table, mapping) as found:
                result = evaluate_traces(found, settings=settings, progress=report, groups=chosen)
        elif traces is not None:
            result = evaluate_traces(traces_in(traces), settings=settings, progress=report, groups=chosen)
        else:
            result = evaluate_held_out(prepared(state), progress=report, groups=chosen)
    if json is not None:
        replace_file(json, result.to_json(indent=2) + b"\n")
    if html is not None:
        from eval.heldout.page import held_out_page

        replace_file(html, held_out_page(result).encode())
    console.print(render_held_out(result))


@contextmanager
def _imported(table: Path, mapping: Path) -> Iterator["Traces"]:
    """A table as labelled traces, for as long as they are looked at."""
    import tempfile
    from dataclasses import replace

    from eval.errors import EvaluationError
    from eval.heldout.traces import traces_in
    from eval.traces.import_table import import_table
    from eval.traces.mapping import read_mapping
    from eval.traces.output import write_imported
    from eval.traces.refusal import Refusals

    refusals = Refusals()
    imported = import_table(table, read_mapping(mapping), refusals=refusals, beside=mapping.parent)
    if refusals.total:
        first = refusals.shown[0]
        typer.echo(
            f"{refusals.total} refused, first {first.file}:{first.row}: {first.reason}; {first.advice}", err=True
        )
    if not imported.traces:
        raise EvaluationError(
            f"{mapping.name} makes no labelled trace of {table.name}: name phases and indicators in [label]"
        )
    with tempfile.TemporaryDirectory() as directory:
        write_imported(imported, Path(directory))
        yield replace(traces_in(Path(directory)), name=table.name)
