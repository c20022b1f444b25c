"""Trainings in MLflow: a run with all that was found, bundles as plain artifacts, and a version of the model.

``leeward`` is the model: a bundle is one unit with one digest, and its aliases say who serves. ``leeward-regime`` and
``leeward-interference`` are the same bundles under the names of their two halves, each with the figures of its own
half; their aliases follow, and nobody serves from them (docs/adr/0008-registry.md).
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.bundle import Manifest
from contracts.model import Document
from contracts.nodestate import Digest
from pipelines.aliases import CHALLENGER_ALIAS, CHAMPION_ALIAS, PART_MODELS, move_alias, part_tag
from pipelines.decision_page import decision_page
from pipelines.draft import MODEL_NAME, Draft
from pipelines.family import HELD_OUT, BundleFamily, read_family
from pipelines.gate import GateDecision
from pipelines.model_card import CARD_FILE, model_card, summary
from pipelines.predictions import PREDICTIONS, read_predictions
from pipelines.settings import TrainingSettings
from pipelines.signatures import SIGNATURES_FILE, signatures_of
from pipelines.training_run import log_folds, log_training
from serving.mlflow_champion import (
    BUNDLE_ARTIFACT,
    DIGEST_TAG,
    digest_of,
    download,
    registry_asked,
    registry_client,
    run_of,
    version_of_alias,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "leeward-training"
DECISION_TAG = "leeward.decision"
VERDICT_TAG = "leeward.verdict"
PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
"""Values of the verdict."""

SIMULATED_TAG = "leeward.simulated"
TRAINING_DATA_TAG = "leeward.training_data"
FEATURE_SCHEMA_TAG = "leeward.feature_schema"

SETTINGS_FILE = "settings.json"
"""Where in a version's run the settings lie that it was trained with."""

DECISION_ARTIFACT = "gate"
"""Where in a version's run the gate's last decision lies: ``decision.json`` and ``decision.md``."""

_RULE = "\n\n---\n\n"
"""Between the short form of a version's card and what the gate said last, in its description."""

_LONGEST_DESCRIPTION = 5000
"""Characters that MLflow's tables take; sqlite forgives more, Postgres does not."""


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
    """Register a training as the new challenger: its bundle gets the registry's number and is written anew under it.

    A version gets its digest last, and without one it can't be promoted: one that was left half-made never serves.

    Args:
        trained: the training's output, see ``pipelines.family`` and ``pipelines.predictions``.
        place: of the registry.
        settings: that it was trained with.

    Raises:
        BundleError: the training's bundle can't be used, or the registry can't be asked.
        DataError: the training's predictions can't be read.
    """
    family, predictions = read_family(trained), read_predictions(trained / PREDICTIONS)
    draft = family.whole
    client = registry_client(place.tracking_uri)
    with registry_asked("to register a training"), _run(client, place, draft.manifest) as run:
        log_training(client, run, draft.manifest, settings)
        log_folds(client, run, family, predictions)
        for artifact in (HELD_OUT, PREDICTIONS):
            if (trained / artifact).is_dir():
                client.log_artifacts(run, str(trained / artifact), artifact)
        version = _numbered(client, MODEL_NAME, run)
        manifest = draft.manifest.model_copy(update={"version": version})
        with tempfile.TemporaryDirectory(dir=trained) as directory:
            numbered = Path(directory) / BUNDLE_ARTIFACT
            digest = Draft(manifest=manifest, graphs=draft.graphs, profiles=draft.profiles).write(numbered)
            client.log_artifacts(run, str(numbered), BUNDLE_ARTIFACT)
        client.log_text(run, model_card(manifest, digest), CARD_FILE)
        client.log_text(run, settings.to_json(indent=2).decode(), SETTINGS_FILE)
        client.log_dict(run, signatures_of(manifest), SIGNATURES_FILE)
        _describe(client, run, manifest, digest)
        move_alias(client, CHALLENGER_ALIAS, client.get_model_version(MODEL_NAME, version))
    return Registration(model=MODEL_NAME, version=version, run=run, digest=digest)


def registration_of(client: MlflowClient, version: str) -> Registration:
    """A version that was registered before.

    Raises:
        BundleError: there is no such version, it is half-made, or the registry can't be asked.
    """
    with registry_asked(f"for version {version} of {MODEL_NAME}"):
        found = client.get_model_version(MODEL_NAME, version)
    return Registration(model=MODEL_NAME, version=version, run=run_of(found), digest=digest_of(found))


def champion_version(client: MlflowClient) -> ModelVersion | None:
    """The version that the alias names, if there is one; raises ``BundleError`` where the registry can't be asked."""
    return version_of_alias(client, model=MODEL_NAME, alias=CHAMPION_ALIAS)


def family_of(client: MlflowClient, version: ModelVersion, directory: Path) -> BundleFamily:
    """Fetch a version's bundle and siblings into a directory and verify them.

    Raises:
        BundleError: the registry has not got them, or they are not what its tag says.
    """
    download(client, version, BUNDLE_ARTIFACT, directory)
    if _has(client, version, HELD_OUT):
        download(client, version, HELD_OUT, directory)
    return read_family(directory, digest=digest_of(version))


def settings_of(client: MlflowClient, version: ModelVersion) -> TrainingSettings:
    """The settings that a version was trained with.

    Raises:
        BundleError: the registry has not got them.
        ContractError: they are none.
    """
    with tempfile.TemporaryDirectory() as directory:
        return TrainingSettings.from_json(download(client, version, SETTINGS_FILE, Path(directory)).read_bytes())


def write_decision(client: MlflowClient, registration: Registration, decision: GateDecision) -> None:
    """Write a decision with all its figures to the version that it is about, and to its run.

    Raises:
        BundleError: the registry can't be asked.
    """
    verdict = PROMOTED if decision.promoted else REFUSED
    page = decision_page(decision, model=registration.model, version=registration.version)
    with registry_asked(f"to keep the decision on version {registration.version}"):
        client.log_text(registration.run, decision.to_json(indent=2).decode(), f"{DECISION_ARTIFACT}/decision.json")
        client.log_text(registration.run, page, f"{DECISION_ARTIFACT}/decision.md")
        client.set_model_version_tag(MODEL_NAME, registration.version, DECISION_TAG, decision.to_json().decode())
        client.set_model_version_tag(MODEL_NAME, registration.version, VERDICT_TAG, verdict)
        described = str(client.get_model_version(MODEL_NAME, registration.version).description or "")
        short_card, _, _ = described.partition(_RULE)
        _set_description(client, MODEL_NAME, registration.version, f"{short_card}{_RULE}{page}")


def numbers_of(version: ModelVersion) -> dict[str, str]:
    """A version's number under each of its registered models' names."""
    parts = {part: version.tags[part_tag(part)] for part in PART_MODELS if part_tag(part) in version.tags}
    return {MODEL_NAME: str(version.version), **parts}


def _has(client: MlflowClient, version: ModelVersion, artifact: str) -> bool:
    with registry_asked(f"what version {version.version} consists of"):
        return any(entry.path == artifact for entry in client.list_artifacts(run_of(version)))


@contextlib.contextmanager
def _run(client: MlflowClient, place: RegistryPlace, manifest: Manifest) -> Iterator[str]:
    """A run that is finished when its body is, and failed where that failed, if MLflow can still be told."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    run = client.create_run(_experiment(client, place), run_name=f"training-{manifest.created:%Y%m%dT%H%M%SZ}")
    finished = False
    try:
        yield run.info.run_id
        finished = True
    finally:
        with contextlib.nullcontext() if finished else contextlib.suppress(MlflowException, OSError):
            client.set_terminated(run.info.run_id, "FINISHED" if finished else "FAILED")


def _numbered(client: MlflowClient, model: str, run: str) -> str:
    """A new version of a registered model, which is made where there is none; returns its number."""
    if not client.search_registered_models(filter_string=f"name = '{model}'"):
        client.create_registered_model(model, description=_DESCRIPTIONS[model])
    return str(client.create_model_version(model, f"runs:/{run}/{BUNDLE_ARTIFACT}", run_id=run).version)


_DESCRIPTIONS = {
    MODEL_NAME: "Regimes and slowdown bounds for Leeward: one bundle, and the aliases that say which serves.",
    **{part: f"The {role} half of `{MODEL_NAME}`, to read; its aliases follow." for part, role in PART_MODELS.items()},
}


def _describe(client: MlflowClient, run: str, manifest: Manifest, digest: str) -> None:
    tags = {
        SIMULATED_TAG: str(manifest.simulated).lower(),
        TRAINING_DATA_TAG: manifest.training_data,
        FEATURE_SCHEMA_TAG: manifest.feature_schema,
    }
    numbers = {part: _numbered(client, part, run) for part in PART_MODELS}
    for model, number in {MODEL_NAME: manifest.version, **numbers}.items():
        parts = {part_tag(part): other for part, other in numbers.items()} if model == MODEL_NAME else {}
        for key, value in {**tags, **parts, DIGEST_TAG: digest}.items():
            client.set_model_version_tag(model, number, key, value)
        _set_description(client, model, number, summary(manifest, PART_MODELS.get(model)))


def _set_description(client: MlflowClient, model: str, number: str, text: str) -> None:
    client.update_model_version(model, number, description=text[:_LONGEST_DESCRIPTION])


def _experiment(client: MlflowClient, place: RegistryPlace) -> str:
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=place.artifacts or None))
