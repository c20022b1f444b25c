"""Trainings in MLflow: a run with settings and figures, bundles as plain artifacts, and a version of the model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.bundle import Manifest
from contracts.model import Document
from contracts.nodestate import Digest
from pipelines.draft import MODEL_NAME, Draft
from pipelines.family import HELD_OUT, BundleFamily, read_family
from pipelines.gate import GateDecision
from pipelines.predictions import PREDICTIONS
from pipelines.settings import TrainingSettings
from serving.bundle_directory import read_bundle
from serving.mlflow_champion import (
    BUNDLE_ARTIFACT,
    DIGEST_TAG,
    digest_of,
    download,
    registry_client,
    run_of,
    version_of_alias,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "leeward-training"
CHAMPION_ALIAS = "champion"
DECISION_TAG = "leeward.decision"
VERDICT_TAG = "leeward.verdict"
PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
"""Values of the verdict."""

SIMULATED_TAG = "leeward.simulated"
TRAINING_DATA_TAG = "leeward.training_data"


class RegistryPlace(Document):
    """Where MLflow is.

    Attributes:
        tracking_uri: ``sqlite:///...`` or ``http(s)://...``.
        artifacts: URI under which a new experiment keeps its artifacts; empty for the server's own choice.
    """

    tracking_uri: str
    artifacts: str = ""


class Registration(Document):
    """A version that was registered."""

    model: str
    version: str
    run: str
    digest: Digest


def local_registry(state: Path) -> RegistryPlace:
    """MLflow on sqlite within a state directory."""
    place = state.resolve() / "mlflow"
    return RegistryPlace(tracking_uri=f"sqlite:///{place / 'mlflow.db'}", artifacts=(place / "artifacts").as_uri())


def register(trained: Path, place: RegistryPlace, settings: TrainingSettings) -> Registration:
    """Register a training: its bundle gets the registry's number and is written anew under it.

    Args:
        trained: the training's output, see ``pipelines.family`` and ``pipelines.predictions``.
        place: of the registry.
        settings: that it was trained with.

    Raises:
        BundleError: the training's bundle can't be used.
    """
    draft = read_bundle(trained / BUNDLE_ARTIFACT)
    client = registry_client(place.tracking_uri)
    run = client.create_run(_experiment(client, place), run_name=f"training-{draft.manifest.created:%Y%m%dT%H%M%SZ}")
    _log_settings_and_figures(client, run.info.run_id, draft.manifest, settings)
    _ensure_model(client)
    source = f"runs:/{run.info.run_id}/{BUNDLE_ARTIFACT}"
    version = str(client.create_model_version(MODEL_NAME, source, run_id=run.info.run_id).version)
    manifest = draft.manifest.model_copy(update={"version": version})
    with tempfile.TemporaryDirectory(dir=trained) as directory:
        numbered = Path(directory) / BUNDLE_ARTIFACT
        digest = Draft(manifest=manifest, graphs=draft.graphs, profiles=draft.profiles).write(numbered)
        client.log_artifacts(run.info.run_id, str(numbered), BUNDLE_ARTIFACT)
    for artifact in (HELD_OUT, PREDICTIONS):
        client.log_artifacts(run.info.run_id, str(trained / artifact), artifact)
    tags = {
        DIGEST_TAG: digest,
        SIMULATED_TAG: str(manifest.simulated).lower(),
        TRAINING_DATA_TAG: manifest.training_data,
    }
    for key, value in tags.items():
        client.set_model_version_tag(MODEL_NAME, version, key, value)
    client.set_terminated(run.info.run_id)
    return Registration(model=MODEL_NAME, version=version, run=run.info.run_id, digest=digest)


def champion_version(client: MlflowClient) -> ModelVersion | None:
    """The version that the alias names, if there is one; raises ``BundleError`` where the registry can't be asked."""
    return version_of_alias(client, model=MODEL_NAME, alias=CHAMPION_ALIAS)


def family_of(client: MlflowClient, version: ModelVersion, directory: Path) -> BundleFamily:
    """Fetch a version's bundle and siblings into a directory and verify them.

    Raises:
        BundleError: the registry has not got them, or they are not what its tag says.
    """
    download(client, version, BUNDLE_ARTIFACT, directory)
    if any(artifact.path == HELD_OUT for artifact in client.list_artifacts(run_of(version))):
        download(client, version, HELD_OUT, directory)
    return read_family(directory, digest=digest_of(version))


def write_decision(client: MlflowClient, version: str, decision: GateDecision) -> None:
    """Write a decision with all its figures to the version that it is about."""
    client.set_model_version_tag(MODEL_NAME, version, DECISION_TAG, decision.to_json().decode())
    verdict = PROMOTED if decision.promoted else REFUSED
    client.set_model_version_tag(MODEL_NAME, version, VERDICT_TAG, verdict)
    client.update_model_version(MODEL_NAME, version, description=f"{verdict}: {'; '.join(decision.reasons)}")


def _experiment(client: MlflowClient, place: RegistryPlace) -> str:
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=place.artifacts or None))


def _ensure_model(client: MlflowClient) -> None:
    if not client.search_registered_models(filter_string=f"name = '{MODEL_NAME}'"):
        client.create_registered_model(MODEL_NAME, description="Regimes and slowdown bounds for Leeward")


def _log_settings_and_figures(client: MlflowClient, run: str, manifest: Manifest, settings: TrainingSettings) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415

    chosen = settings.model_dump(mode="json", by_alias=False)
    flat = {
        f"{name}.{inner}" if inner else name: value
        for name, entry in chosen.items()
        for inner, value in (entry.items() if isinstance(entry, dict) else [("", entry)])
    }
    milliseconds = round(manifest.created.timestamp() * 1000)
    figures = [
        (f"{figure.name}{suffix}", value)
        for figure in manifest.held_out
        for suffix, value in (("", figure.value), (".lower", figure.lower), (".upper", figure.upper))
    ]
    margins = [
        (f"bound.{calibration.tier}.log_margin", calibration.log_margin) for calibration in manifest.bound_calibrations
    ]
    client.log_batch(
        run,
        metrics=[Metric(name, value, milliseconds, 0) for name, value in (*figures, *margins)],
        params=[Param(name, str(value)) for name, value in flat.items()],
    )
