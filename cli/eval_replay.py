"""``leeward eval replay``: what each policy and model version would have done in a recorded period."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from eval.watch.evidence import Evidence


def moment_of(text: str, *, option: str) -> datetime | None:
    """A time in ISO 8601, in UTC where it names no zone; ``None`` where empty.

    Raises:
        BadParameter: it is none.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write 2026-03-01T12:00:00Z", param_hint=option) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def replay(
    *,
    recording: Annotated[Path, typer.Option("--recording", help="What `leeward eval record` wrote.", file_okay=False)],
    state: StateOption = DEFAULT,
    policies: Annotated[str, typer.Option("--policies", help="Such as default,leeward; all if empty.")] = "",
    bundle: Annotated[
        list[Path] | None, typer.Option("--bundle", help="Another model's bundle; several may be.", file_okay=False)
    ] = None,
    version: Annotated[
        list[str] | None, typer.Option("--version", help="Another version of the registry; several may be.")
    ] = None,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="Placements from then on.")] = "",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="Placements until then.")] = "",
    registry: Annotated[
        str,
        typer.Option("--registry", envvar="MLFLOW_TRACKING_URI", help="MLflow; the state directory's own unless said."),
    ] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report as one page.", dir_okay=False)] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report there, too, as JSON.", dir_okay=False)] = None,
) -> None:
    """Say what the default scheduler, thresholds, regimes and each model would have done in a recorded period."""
    from collections import Counter

    from rich.console import Console

    from cli.progress import step
    from contracts.errors import ContractError
    from eval.errors import EvaluationError
    from eval.replay.choices import policies_named
    from eval.replay.models import replayed_models
    from eval.replay.page import replay_page
    from eval.replay.placements import Period
    from eval.replay.reading import Recording
    from eval.replay.replay import Replay
    from eval.replay.replay import replay as replayed
    from eval.replay.report import REPLAY_FILE
    from eval.replay.table import render_replay
    from eval.replay.trouble import Trouble
    from eval.reports import write_report
    from feature_repo.errors import FeatureRepositoryError
    from pipelines.errors import PipelineError
    from pipelines.registry import RegistryPlace, local_registry
    from scheduler_extender.errors import ExtenderError
    from scheduler_extender.log import LOGGER
    from serving.errors import BundleError
    from serving.replacement import replace_file

    period = Period(since=moment_of(since, option="--from"), until=moment_of(until, option="--to"))
    errors = (StateError, ContractError, EvaluationError, FeatureRepositoryError, PipelineError, ExtenderError)
    console, troubles = Console(), Counter[Trouble]()
    LOGGER.addHandler(logging.NullHandler())  # what the extender would log is counted in the report
    with complaining_of(*errors, BundleError, OSError):
        place = prepared(state)
        asked = Replay(
            recording=Recording(recording),
            state=place,
            models=replayed_models(
                place,
                bundles=bundle or (),
                versions=version or (),
                registry=RegistryPlace(tracking_uri=registry) if registry else local_registry(place),
                troubles=troubles,
            ),
            policies=policies_named(policies),
            period=period,
            evidence=_evidence(place),
            troubles=troubles,
        )
        with step(console, "replay") as report:
            found = replayed(asked, progress=report)
        written = write_report(found, place, REPLAY_FILE)
        if json is not None:
            replace_file(json, found.to_json(indent=2) + b"\n")
        if html is not None:
            replace_file(html, replay_page(found).encode())
    console.print(render_replay(found))
    console.print(f"Report: {written}", soft_wrap=True)


def _evidence(state: Path) -> "Evidence | None":
    """Measured slowdowns, where the state directory has a feature store."""
    from eval.watch.evidence import StoredEvidence
    from feature_repo.definitions import SETTINGS_FILE

    has_store = any(state.glob(f"features/{SETTINGS_FILE}"))
    return StoredEvidence(state) if has_store else None
