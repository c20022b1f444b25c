"""``leeward eval shadow``: what Leeward would have changed while it only looked on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateOption

if TYPE_CHECKING:
    from eval.watch.evidence import Evidence

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


def shadow(
    *,
    state: StateOption = DEFAULT,
    begin: Annotated[
        datetime | None,
        typer.Option("--from", metavar="TIME", formats=_TIMES, help="Pods that were judged from then on; UTC."),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", metavar="TIME", formats=_TIMES, help="And before then; UTC.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", help="Newcomers of this namespace alone.")] = "",
    workload: Annotated[str, typer.Option("--workload", help="Newcomers of this workload alone.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report as one page.", dir_okay=False)] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON there, too.", dir_okay=False)] = None,
) -> None:
    """What Leeward would have changed while it only looked on, who was in danger, and whether it was right."""
    from rich.console import Console

    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.reports import write_report
    from eval.shadow import SHADOW_FILE, Selection, shadow_report
    from eval.shadow.table import render_shadow
    from feature_repo.errors import FeatureRepositoryError
    from serving.replacement import replace_file

    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter("is not before --to", param_hint="--from")
    selection = Selection(begin=_utc(begin), end=_utc(end), namespace=namespace, workload=workload)
    with complaining_of(ContractError, EvaluationError, FeatureRepositoryError, OSError):
        report = shadow_report(state.resolve(), _evidence(state.resolve()), selection=selection)
        written = write_report(report, state.resolve(), SHADOW_FILE)
        if json is not None:
            replace_file(json, report.to_json(indent=2) + b"\n")
        if html is not None:
            from eval.shadow.page import shadow_page

            replace_file(html, shadow_page(report).encode())
    console = Console()
    console.print(render_shadow(report))
    console.print(f"Report: {written if html is None else html}", soft_wrap=True)


def _evidence(state: Path) -> "Evidence":
    """The feature store, where there is one: a report is no reason to make one."""
    from eval.watch.evidence import StoredEvidence
    from eval.watch.evidence_in_memory import EvidenceInMemory
    from feature_repo.definitions import SETTINGS_FILE

    there = (state / "features" / SETTINGS_FILE).is_file()
    return StoredEvidence(state) if there else EvidenceInMemory()


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
