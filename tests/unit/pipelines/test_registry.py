"""Registration, promotion and rollback against a real MLflow on sqlite."""

import shutil
from pathlib import Path

import pytest

from pipelines.dataset import TraceDataset
from pipelines.errors import PipelineError
from pipelines.gate import GateDecision
from pipelines.promote import promote
from pipelines.registry import (
    CHAMPION_ALIAS,
    DECISION_TAG,
    SIMULATED_TAG,
    TRAINING_DATA_TAG,
    VERDICT_TAG,
    Registration,
    RegistryPlace,
    champion_version,
    local_registry,
    register,
)
from pipelines.rollback import roll_back
from pipelines.settings import TrainingSettings
from pipelines.steps import write_training
from pipelines.training import Training
from pipelines.training_data import TrainingData
from serving.champion import load_champion, read_champion
from serving.errors import BundleError
from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, registry_client
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

pytestmark = pytest.mark.slow  # MLflow's first call takes seconds


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state" / "mlflow").mkdir(parents=True)
    return tmp_path / "state"


@pytest.fixture
def place(state: Path) -> RegistryPlace:
    return local_registry(state)


@pytest.fixture
def trained(training: Training, data: TrainingData, tmp_path: Path) -> Path:
    write_training(training, data, tmp_path / "trained")
    return tmp_path / "trained"


def files_of(state: Path) -> dict[str, bytes]:
    """What serves from a state directory."""
    return {
        path.relative_to(state).as_posix(): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and "mlflow" not in path.parts
    }


def test_from_registration_to_rollback(
    trained: Path, dataset: TraceDataset, state: Path, place: RegistryPlace, settings: TrainingSettings
) -> None:
    def ask(registration: Registration, asked: TrainingSettings = settings) -> GateDecision:
        return promote(registration, dataset=dataset, state=state, place=place, settings=asked)

    client = registry_client(place.tracking_uri)
    first = register(trained, place, settings)
    version = client.get_model_version("leeward", first.version)
    assert version.tags[DIGEST_TAG] == first.digest
    assert version.tags[SIMULATED_TAG] == "true"
    assert version.tags[TRAINING_DATA_TAG] == dataset.digest
    run = client.get_run(first.run)
    assert run.data.params["rate"] == "0.75"
    assert run.data.metrics["bound.probed.unseen-victim.coverage"] > 0.5
    assert champion_version(client) is None
    assert files_of(state) == {}

    assert ask(first).promoted
    champion = load_champion(state)
    assert champion is not None
    assert (champion.digest, champion.manifest.version) == (first.digest, first.version)
    tags = client.get_model_version("leeward", first.version).tags
    assert GateDecision.from_json(tags[DECISION_TAG]).promoted
    assert tags[VERDICT_TAG] == "promoted"

    before = files_of(state)
    refused = register(trained, place, settings)
    decision = ask(refused, settings.model_copy(update={"rate": 0.999}))
    assert not decision.promoted
    assert files_of(state) == before
    assert client.get_model_version("leeward", refused.version).tags[VERDICT_TAG] == "refused"
    named = champion_version(client)
    assert named is not None
    assert str(named.version) == first.version

    third = register(trained, place, settings)
    assert ask(third).champion == first.version
    serves = read_champion(state)
    assert serves is not None
    assert serves.version == third.version

    assert roll_back(state, place).digest == first.digest
    assert client.get_model_version("leeward", third.version).tags[VERDICT_TAG] == "rolled back"
    serves = read_champion(state)
    assert serves is not None
    assert serves.version == first.version
    with pytest.raises(PipelineError, match="version 1 is the first champion"):
        roll_back(state, place)


def test_an_altered_or_foreign_challenger_moves_nothing(
    trained: Path, dataset: TraceDataset, state: Path, place: RegistryPlace, settings: TrainingSettings
) -> None:
    registration = register(trained, place, settings)
    client = registry_client(place.tracking_uri)
    other = synthetic_dataset(groups=6, mixes=5, seed=3)
    with pytest.raises(PipelineError, match="judge it on the traces that it was trained on"):
        promote(registration, dataset=other, state=state, place=place, settings=settings)
    with pytest.raises(PipelineError, match="there is no champion to roll back from"):
        roll_back(state, place)
    altered = next((state / "mlflow" / "artifacts").rglob(f"{BUNDLE_ARTIFACT}/slowdown-q50.onnx"))
    altered.write_bytes(altered.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"slowdown-q50\.onnx has SHA-256 .* it was altered or torn"):
        promote(registration, dataset=dataset, state=state, place=place, settings=settings)
    client.set_model_version_tag("leeward", registration.version, DIGEST_TAG, "sha256:" + "0" * 64)
    with pytest.raises(BundleError, match=r"sha256:0{64} was asked for"):
        promote(registration, dataset=dataset, state=state, place=place, settings=settings)
    assert champion_version(client) is None
    assert files_of(state) == {}
    assert CHAMPION_ALIAS not in client.get_registered_model("leeward").aliases


def test_a_torn_training_is_not_registered(
    trained: Path, state: Path, place: RegistryPlace, settings: TrainingSettings
) -> None:
    shutil.copytree(trained, trained.with_name("torn"))
    torn = trained.with_name("torn")
    (torn / BUNDLE_ARTIFACT / "manifest.json").write_text("{}")
    with pytest.raises(BundleError, match=r"manifest\.json has SHA-256"):
        register(torn, place, settings)
    assert not (state / "mlflow" / "mlflow.db").exists()
