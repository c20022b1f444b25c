"""What the registry knows of versions, to be read: all of them, one, or two side by side."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contracts.errors import ContractError
from contracts.model import Document, UtcTime
from pipelines.draft import MODEL_NAME
from pipelines.errors import PipelineError
from pipelines.gate import GateDecision
from pipelines.registry import (
    DECISION_TAG,
    FEATURE_SCHEMA_TAG,
    SIMULATED_TAG,
    TRAINING_DATA_TAG,
    VERDICT_TAG,
    RegistryPlace,
    numbers_of,
)
from serving.mlflow_champion import DIGEST_TAG, registry_asked, registry_client, run_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


class VersionSummary(Document):
    """A version in a line.

    Attributes:
        version: its number.
        aliases: that name it.
        verdict: the gate's last, or that it was rolled back; empty where nobody asked.
        created: when it was registered.
        digest: of its bundle; empty where its registration was never finished.
        simulated: trained on the testbed's output.
        training_data, feature_schema: digests; empty where it does not say.
        numbers: under each of its registered models' names.
    """

    version: str
    aliases: tuple[str, ...]
    verdict: str
    created: UtcTime
    digest: str
    simulated: bool
    training_data: str
    feature_schema: str
    numbers: dict[str, str]


class ShownFigure(Document):
    """A figure on workloads never seen; with its interval over groups where it has one."""

    name: str
    value: float
    lower: float | None = None
    upper: float | None = None


class VersionDetail(Document):
    """All that is known of a version but its bundle.

    Attributes:
        run: in MLflow, where its artifacts lie.
        figures: of the training, by name.
        settings: that it was trained with, as MLflow keeps them.
        decision: the gate's last; ``None`` where nobody asked.
    """

    summary: VersionSummary
    run: str
    figures: tuple[ShownFigure, ...]
    settings: dict[str, str]
    decision: GateDecision | None


class ComparedFigure(Document):
    """One figure of two versions; ``None`` where one has not got it."""

    name: str
    first: ShownFigure | None
    second: ShownFigure | None


class Comparison(Document):
    """Two versions side by side, each on the workloads that *it* held out."""

    first: VersionSummary
    second: VersionSummary
    figures: tuple[ComparedFigure, ...]


def all_versions(place: RegistryPlace) -> tuple[VersionSummary, ...]:
    """Every version, the newest first.

    Raises:
        BundleError: the registry can't be asked.
    """
    client = registry_client(place.tracking_uri)
    with registry_asked(f"for all versions of {MODEL_NAME}"):
        found = client.search_model_versions(f"name = '{MODEL_NAME}'")
        aliases = _aliases(client) if found else {}
    return tuple(_summary(version, aliases) for version in sorted(found, key=lambda one: -int(one.version)))


def one_version(place: RegistryPlace, which: str) -> VersionDetail:
    """A version by its number, or by the alias that names it.

    Raises:
        PipelineError: there is none.
        BundleError: the registry can't be asked.
    """
    client = registry_client(place.tracking_uri)
    version = named(client, which)
    with registry_asked(f"for the run of version {version.version}"):
        run = client.get_run(run_of(version))
        summary = _summary(version, _aliases(client))
    said = version.tags.get(DECISION_TAG)
    return VersionDetail(
        summary=summary,
        run=run_of(version),
        figures=_figures(run.data.metrics),
        settings=dict(sorted(run.data.params.items())),
        decision=None if said is None else _decision(said),
    )


def compared(place: RegistryPlace, first: str, second: str) -> Comparison:
    """Two versions, each by number or alias; raises as ``one_version`` does."""
    one, other = one_version(place, first), one_version(place, second)
    ones = {figure.name: figure for figure in one.figures}
    others = {figure.name: figure for figure in other.figures}
    return Comparison(
        first=one.summary,
        second=other.summary,
        figures=tuple(
            ComparedFigure(name=name, first=ones.get(name), second=others.get(name))
            for name in sorted({*ones, *others})
        ),
    )


def named(client: MlflowClient, which: str) -> ModelVersion:
    """The version that a number or an alias means.

    Raises:
        PipelineError: there is none.
        BundleError: the registry can't be asked.
    """
    with registry_asked(f"for all versions of {MODEL_NAME}"):
        known = {str(version.version): version for version in client.search_model_versions(f"name = '{MODEL_NAME}'")}
        numbers = {alias: number for number, names in _aliases(client).items() for alias in names} if known else {}
    found = known.get(numbers.get(which, which))
    if found is None:
        there = ", ".join([*sorted(known, key=int), *sorted(numbers)]) or "none: train one"
        raise PipelineError(f"there is no version {which} of {MODEL_NAME}; there are {there}")
    return found


def _aliases(client: MlflowClient) -> dict[str, tuple[str, ...]]:
    """Aliases by version."""
    known = {alias: str(number) for alias, number in client.get_registered_model(MODEL_NAME).aliases.items()}
    return {
        number: tuple(sorted(alias for alias, other in known.items() if other == number)) for number in known.values()
    }


def _summary(version: ModelVersion, aliases: dict[str, tuple[str, ...]]) -> VersionSummary:
    tags = version.tags
    return VersionSummary(
        version=str(version.version),
        aliases=aliases.get(str(version.version), ()),
        verdict=tags.get(VERDICT_TAG, ""),
        created=datetime.fromtimestamp(version.creation_timestamp / 1000, tz=UTC),
        digest=tags.get(DIGEST_TAG, ""),
        simulated=tags.get(SIMULATED_TAG) == "true",
        training_data=tags.get(TRAINING_DATA_TAG, ""),
        feature_schema=tags.get(FEATURE_SCHEMA_TAG, ""),
        numbers=numbers_of(version),
    )


def _figures(metrics: dict[str, float]) -> tuple[ShownFigure, ...]:
    names = sorted(name for name in metrics if not name.endswith((".lower", ".upper")))
    return tuple(
        ShownFigure(
            name=name, value=metrics[name], lower=metrics.get(f"{name}.lower"), upper=metrics.get(f"{name}.upper")
        )
        for name in names
    )


def _decision(said: str) -> GateDecision:
    try:
        return GateDecision.from_json(said)
    except ContractError as error:
        raise PipelineError(
            f"the decision that is kept with the version is of another release of Leeward: {error}; ask the gate again"
        ) from error
