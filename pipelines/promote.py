"""Promotion: the gate is asked here, whatever a pipeline asked before, and only then the alias moves."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.bundle import MANIFEST_FILE
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import PROFILE_DIGEST_V1
from contracts.regime import REGIME_DIGEST_V1
from pipelines.aliases import CHAMPION_ALIAS, make_champion
from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset
from pipelines.errors import DataError, PipelineError
from pipelines.family import BundleFamily
from pipelines.gate import GateDecision, GateLimits, decide
from pipelines.gate_measurement import gate_figures, usual_limits
from pipelines.predictions import PREDICTIONS, read_predictions
from pipelines.registry import (
    DECISION_TAG,
    Registration,
    RegistryPlace,
    champion_version,
    family_of,
    write_decision,
)
from pipelines.settings import TrainingSettings
from pipelines.training_data import training_data
from serving.champion import install_champion
from serving.mlflow_champion import BUNDLE_ARTIFACT, download, pull_champion, registry_asked, registry_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_CONTRACTS = {
    "featureSchema": ("feature schema", FEATURE_SCHEMA_V1.digest),
    "regimeContract": ("regime contract", REGIME_DIGEST_V1),
    "profileContract": ("profile contract", PROFILE_DIGEST_V1),
}


def promote(
    registration: Registration,
    *,
    dataset: TraceDataset,
    state: Path,
    place: RegistryPlace,
    settings: TrainingSettings,
    limits: GateLimits | None = None,
    vouched_by: str = "",
) -> GateDecision:
    """Ask the gate about a registered version; if it says so, move the alias and install the champion.

    The decision is written to the version first. A refused challenger leaves alias and state as they were, and so does
    an MLflow that goes away before the alias has moved. Asked about the champion, it says what the gate said then, and
    installs it again.

    Args:
        registration: the challenger.
        dataset: that it was trained on.
        state: where the champion is installed.
        place: of the registry.
        settings: of the training.
        limits: of the gate; the usual ones unless said.
        vouched_by: who has compared the challenger with a champion that the gate can't compare it with.

    Raises:
        PipelineError: the version was trained on another dataset, or is champion without the gate's word.
        BundleError: a bundle of the registry is not what its tag says, or the registry can't be asked.
        DataError: the dataset can't be judged on.
    """
    client = registry_client(place.tracking_uri)
    with registry_asked(f"for version {registration.version} of {registration.model}"):
        version = client.get_model_version(registration.model, registration.version)
    champion = champion_version(client)
    if champion is not None and str(champion.version) == registration.version:
        return _promoted_before(version, state=state, place=place)
    with tempfile.TemporaryDirectory() as directory:
        challenger_files, champion_files = Path(directory) / "challenger", Path(directory) / "champion"
        challenger_files.mkdir()
        champion_files.mkdir()
        challenger = family_of(client, version, challenger_files)
        _refuse_other_data(challenger, dataset, registration)
        beside, incomparable = _champion_beside(client, champion, champion_files)
        figures = gate_figures(
            challenger,
            beside,
            champion_version=None if champion is None else str(champion.version),
            incomparable=incomparable,
            data=training_data(dataset, settings),
            settings=settings,
            registered=read_predictions(download(client, version, PREDICTIONS, challenger_files)),
        )
        decision = decide(
            figures,
            limits=limits or usual_limits(settings),
            how=Resampling(resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed),
            vouched_by=vouched_by,
        )
        write_decision(client, registration, decision)
        if decision.promoted:
            with registry_asked(f"to make version {registration.version} champion"):
                make_champion(client, version)
            install_champion(
                state,
                challenger_files / BUNDLE_ARTIFACT,
                model=registration.model,
                version=registration.version,
                digest=registration.digest,
            )
    return decision


def _promoted_before(version: ModelVersion, *, state: Path, place: RegistryPlace) -> GateDecision:
    said = version.tags.get(DECISION_TAG)
    decision = None if said is None else GateDecision.from_json(said)
    if decision is None or not decision.promoted:
        raise PipelineError(
            f"version {version.version} is champion, and the gate never said so: somebody moved the alias; roll back, "
            "then ask the gate"
        )
    pull_champion(state, tracking_uri=place.tracking_uri, model=version.name, alias=CHAMPION_ALIAS)
    return decision


def _refuse_other_data(challenger: BundleFamily, dataset: TraceDataset, registration: Registration) -> None:
    trained_on = challenger.whole.manifest.training_data
    if trained_on != dataset.digest:
        raise PipelineError(
            f"version {registration.version} was trained on {trained_on}, the gate was given {dataset.digest}: judge "
            "it on the traces that it was trained on"
        )


def _champion_beside(
    client: MlflowClient, champion: ModelVersion | None, directory: Path
) -> tuple[BundleFamily | None, str]:
    """The champion's bundles; or ``None``, and why where there is one all the same."""
    if champion is None:
        return None, ""
    found = download(client, champion, f"{BUNDLE_ARTIFACT}/{MANIFEST_FILE}", directory)
    other = _made_for_other_contracts(found.read_bytes(), str(champion.version))
    found.unlink()
    return (None, other) if other else (family_of(client, champion, directory), "")


def _made_for_other_contracts(manifest: bytes, version: str) -> str:
    """In which contract a manifest differs from this version's; empty where it does not."""
    try:
        said = json.loads(manifest)
    except ValueError as error:
        raise DataError(f"manifest of champion {version} is no JSON: {error}; roll back to a whole one") from error
    for key, (contract, known) in _CONTRACTS.items():
        if said.get(key) != known:
            return f"it was made for {contract} {said.get(key)}, the challenger for {known}"
    return ""
