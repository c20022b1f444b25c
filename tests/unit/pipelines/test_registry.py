"""Registration, promotion and rollback against a real MLflow on sqlite."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.models import ModelSignature

from contracts.bundle import MANIFEST_FILE
from pipelines.aliases import CHAMPIONS_TAG, PART_MODELS, champions, make_champion, part_tag
from pipelines.dataset import TraceDataset, write_dataset
from pipelines.draft import Draft
from pipelines.errors import PipelineError
from pipelines.gate import GateDecision, GateLimits
from pipelines.gate_measurement import usual_limits
from pipelines.promote import promote
from pipelines.registry import (
    DECISION_TAG,
    EXPERIMENT,
    SIMULATED_TAG,
    TRAINING_DATA_TAG,
    VERDICT_TAG,
    RegistryPlace,
    champion_version,
    local_registry,
    register,
    registration_of,
    settings_of,
)
from pipelines.report import Outcome
from pipelines.rollback import roll_back
from pipelines.settings import TrainingSettings
from pipelines.signatures import SIGNATURES_FILE
from pipelines.steps import promote_step, write_training
from pipelines.training import Training
from pipelines.training_data import TrainingData
from pipelines.versions import all_versions, compared, named, one_version
from serving.champion import load_champion
from serving.errors import BundleError
from serving.interference_row import INTERFERENCE_COLUMNS
from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, registry_client
from tests.unit.pipelines.registry_at_hand import Gate, aliases, files_of, serving_version
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

pytestmark = pytest.mark.slow  # MLflow's first call takes seconds


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, which take seconds to make."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    registry_client(f"sqlite:///{file}").search_registered_models()
    return file


@pytest.fixture
def state(tmp_path: Path, empty_registry: Path) -> Path:
    (tmp_path / "state" / "mlflow").mkdir(parents=True)
    shutil.copy(empty_registry, tmp_path / "state" / "mlflow" / "mlflow.db")
    return tmp_path / "state"


@pytest.fixture
def place(state: Path) -> RegistryPlace:
    return local_registry(state)


@pytest.fixture
def trained(training: Training, data: TrainingData, tmp_path: Path) -> Path:
    write_training(training, data, tmp_path / "trained")
    return tmp_path / "trained"


@pytest.fixture
def worse(training: Training, data: TrainingData, tmp_path: Path) -> Path:
    """A training whose bounds are e times as wide."""

    def wider(draft: Draft) -> Draft:
        margins = tuple(
            one.model_copy(update={"log_margin": one.log_margin + 1.0}) for one in draft.manifest.bound_calibrations
        )
        return replace(draft, manifest=draft.manifest.model_copy(update={"bound_calibrations": margins}))

    bounds = training.predictions.bounds
    said = replace(training.predictions, bounds=replace(bounds, upper=bounds.upper * 2.718281828459045))
    held_out = {fold: wider(draft) for fold, draft in training.held_out.items()}
    write_training(
        replace(training, draft=wider(training.draft), held_out=held_out, predictions=said), data, tmp_path / "worse"
    )
    return tmp_path / "worse"


@pytest.fixture
def limits(settings: TrainingSettings) -> GateLimits:
    """As usual, but on a machine that may be busy with other tests."""
    return usual_limits(settings).model_copy(update={"regime_seconds": 1.0, "bounds_seconds": 10.0})


@pytest.fixture
def gate(
    dataset: TraceDataset, state: Path, place: RegistryPlace, settings: TrainingSettings, limits: GateLimits
) -> Gate:
    return Gate(dataset=dataset, state=state, place=place, settings=settings, limits=limits)


def test_a_registration_says_all_that_is_known(
    trained: Path, dataset: TraceDataset, place: RegistryPlace, settings: TrainingSettings, tmp_path: Path
) -> None:
    registration = register(trained, place, settings)
    client = registry_client(place.tracking_uri)
    version = client.get_model_version("leeward", registration.version)
    assert version.tags[DIGEST_TAG] == registration.digest
    assert version.tags[SIMULATED_TAG] == "true"
    assert version.tags[TRAINING_DATA_TAG] == dataset.digest
    assert "Trained on simulated counters" in str(version.description)
    assert registration_of(client, registration.version) == registration
    assert settings_of(client, version) == settings

    run = client.get_run(registration.run)
    assert run.info.status == "FINISHED"
    assert run.data.params["rate"] == "0.75"
    assert run.data.metrics["bound.probed.unseen-victim.coverage"] > 0.5
    assert run.inputs is not None
    (given,) = run.inputs.dataset_inputs
    assert dataset.digest.startswith(f"sha256:{given.dataset.digest}")
    assert {tag.key: tag.value for tag in given.tags}["leeward.digest"] == dataset.digest

    card = Path(client.download_artifacts(registration.run, "model-card.md", str(tmp_path))).read_text()
    assert registration.digest in card
    assert "bound.probed.unseen-victim.coverage" in card
    signed = json.loads(Path(client.download_artifacts(registration.run, SIGNATURES_FILE, str(tmp_path))).read_text())
    upper = signed["slowdown-q80.onnx"]
    assert upper["columns"] == list(INTERFERENCE_COLUMNS)
    read = ModelSignature.from_dict(upper)
    assert read.inputs.to_dict()[0]["tensor-spec"] == {"dtype": "float32", "shape": (-1, len(INTERFERENCE_COLUMNS))}
    assert set(signed) > {"slowdown-q80.onnx", "slowdown-q50.onnx"}
    for part, number in ((part, version.tags[part_tag(part)]) for part in PART_MODELS):
        half = client.get_model_version(part, number)
        assert half.run_id == registration.run
        assert half.tags[DIGEST_TAG] == registration.digest
    assert "macro_f1" in str(client.get_model_version("leeward-regime", "1").description)
    assert "macro_f1" not in str(client.get_model_version("leeward-interference", "1").description)
    assert aliases(client) == aliases(client, "leeward-regime") == {"challenger": "1"}
    assert champion_version(client) is None


def test_each_fold_has_a_nested_run_with_its_own_figures(
    trained: Path, training: Training, place: RegistryPlace, settings: TrainingSettings
) -> None:
    registration = register(trained, place, settings)
    client = registry_client(place.tracking_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    nested = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{registration.run}'")
    assert {run.data.params["held_out_groups"] for run in nested} == set(training.predictions.groups)
    held = {run.data.params["held_out_groups"]: run.data.metrics for run in nested}
    name = "bound.probed.unseen-victim.coverage"
    mean = sum(metrics[name] for metrics in held.values()) / len(held)
    assert mean == pytest.approx(client.get_run(registration.run).data.metrics[name])
    assert all(run.info.status == "FINISHED" for run in nested)


def test_from_the_first_champion_to_rollback(
    trained: Path, worse: Path, state: Path, settings: TrainingSettings, gate: Gate
) -> None:
    place = local_registry(state)
    client = registry_client(place.tracking_uri)
    first = register(trained, place, settings)
    assert files_of(state) == {}
    assert gate.asked(first).promoted
    champion = load_champion(state)
    assert champion is not None
    assert (champion.digest, champion.manifest.version) == (first.digest, first.version)
    tags = client.get_model_version("leeward", first.version).tags
    assert GateDecision.from_json(tags[DECISION_TAG]).promoted
    assert tags[VERDICT_TAG] == "promoted"
    assert aliases(client) == aliases(client, "leeward-interference") == {"champion": "1"}

    before = files_of(state)
    shutil.rmtree(state / "bundles")
    (state / "champion.json").unlink()
    assert GateDecision.from_json(tags[DECISION_TAG]) == gate.asked(first)
    assert files_of(state) == before

    second = register(worse, place, settings)
    decision = gate.asked(second)
    assert not decision.promoted
    assert any(sentence.startswith("bound loss") for sentence in decision.refusals)
    assert files_of(state) == before
    refused = client.get_model_version("leeward", second.version)
    assert refused.tags[VERDICT_TAG] == "refused"
    assert "Trained on simulated counters" in str(refused.description)
    assert decision.refusals[0] in str(refused.description)
    kept = GateDecision.from_json(refused.tags[DECISION_TAG])
    assert kept == decision
    assert kept.losses[0].growth > 0.05
    assert {entry.path for entry in client.list_artifacts(second.run, "gate")} == {
        "gate/decision.json",
        "gate/decision.md",
    }
    assert aliases(client) == {"champion": "1", "challenger": "2"}

    third = register(trained, place, settings)
    assert gate.asked(third).champion == first.version
    assert serving_version(state) == third.version
    assert aliases(client) == aliases(client, "leeward-regime") == {"champion": "3", "previous": "1"}

    assert roll_back(state, place).digest == first.digest
    assert client.get_model_version("leeward", third.version).tags[VERDICT_TAG] == "rolled back"
    assert serving_version(state) == first.version
    assert aliases(client) == aliases(client, "leeward-regime") == {"champion": "1"}
    with pytest.raises(PipelineError, match="version 1 is the first champion"):
        roll_back(state, place)


def test_a_promotion_that_was_cut_off_when_the_alias_had_moved_ends_well_when_it_is_tried_again(
    trained: Path, dataset: TraceDataset, state: Path, settings: TrainingSettings, gate: Gate
) -> None:
    place, handed = gate.place, trained.parent / "handed"
    registration = register(trained, place, settings)
    decision = gate.asked(registration)
    client = registry_client(place.tracking_uri)
    for part in PART_MODELS:
        client.delete_registered_model_alias(part, "champion")
    client.delete_registered_model_tag("leeward", CHAMPIONS_TAG)
    shutil.rmtree(state / "bundles")
    (state / "champion.json").unlink()
    write_dataset(dataset, handed / "extracted")

    page = handed / "promote" / "decision"
    outcome = promote_step(
        handed / "extracted",
        registration.to_json().decode(),
        state=state,
        place=place.to_json().decode(),
        settings=settings.to_json().decode(),
        page=page,
    )

    assert Outcome.from_json(outcome).decision == decision
    assert page.read_text().startswith("# leeward version 1 is now champion\n")
    assert serving_version(state) == "1"
    assert aliases(client)["champion"] == "1"
    assert champions(client) == ("1",)


def test_champions_are_remembered_in_the_order_in_which_they_served(
    trained: Path, state: Path, place: RegistryPlace, settings: TrainingSettings
) -> None:
    client = registry_client(place.tracking_uri)
    with pytest.raises(PipelineError, match="there is no champion to roll back from"):
        roll_back(state, place)
    for _ in range(4):
        register(trained, place, settings)

    def crown(number: str) -> None:
        make_champion(client, client.get_model_version("leeward", number))

    for number in ("3", "1", "2"):
        crown(number)
    assert champions(client) == ("3", "1", "2")
    assert aliases(client) == {"champion": "2", "previous": "1", "challenger": "4"}
    client.set_registered_model_alias("leeward", "champion", "4")  # by hand, past Leeward
    assert champions(client) == ("3", "1", "2", "4")
    client.delete_model_version("leeward", "2")
    assert roll_back(state, place).manifest.version == "1"
    assert aliases(client) == {"champion": "1", "previous": "3", "challenger": "4"}
    crown("4")
    assert aliases(client) == {"champion": "4", "previous": "1"}


def test_an_altered_or_foreign_challenger_moves_nothing(
    trained: Path, state: Path, place: RegistryPlace, settings: TrainingSettings, gate: Gate
) -> None:
    registration = register(trained, place, settings)
    client = registry_client(place.tracking_uri)
    other = synthetic_dataset(groups=6, mixes=5, seed=3)
    with pytest.raises(PipelineError, match="judge it on the traces that it was trained on"):
        promote(registration, dataset=other, state=state, place=place, settings=settings)
    altered = next((state / "mlflow" / "artifacts").rglob(f"{BUNDLE_ARTIFACT}/slowdown-q50.onnx"))
    altered.write_bytes(altered.read_bytes() + b"\0")
    with pytest.raises(BundleError, match=r"slowdown-q50\.onnx has SHA-256 .* it was altered or torn"):
        gate.asked(registration)
    client.set_model_version_tag("leeward", registration.version, DIGEST_TAG, "sha256:" + "0" * 64)
    with pytest.raises(BundleError, match=r"sha256:0{64} was asked for"):
        gate.asked(registration)
    assert champion_version(client) is None
    assert files_of(state) == {}
    assert aliases(client) == {"challenger": "1"}


def test_a_rollback_to_a_torn_version_moves_nothing(
    trained: Path, state: Path, place: RegistryPlace, settings: TrainingSettings
) -> None:
    client = registry_client(place.tracking_uri)
    for _ in range(2):
        make_champion(client, client.get_model_version("leeward", register(trained, place, settings).version))
    run = client.get_run(str(client.get_model_version("leeward", "1").run_id))
    (Path(run.info.artifact_uri.removeprefix("file://")) / BUNDLE_ARTIFACT / MANIFEST_FILE).write_text("{}")
    with pytest.raises(BundleError, match=r"manifest\.json has SHA-256"):
        roll_back(state, place)
    assert aliases(client) == {"champion": "2", "previous": "1"}
    assert files_of(state) == {}


def test_a_torn_training_is_not_registered(trained: Path, place: RegistryPlace, settings: TrainingSettings) -> None:
    (trained / BUNDLE_ARTIFACT / MANIFEST_FILE).write_text("{}")
    with pytest.raises(BundleError, match=r"manifest\.json has SHA-256"):
        register(trained, place, settings)
    assert registry_client(place.tracking_uri).search_registered_models() == []


def test_a_champion_of_another_schema_needs_a_persons_word(
    trained: Path, state: Path, place: RegistryPlace, settings: TrainingSettings, gate: Gate
) -> None:
    client = registry_client(place.tracking_uri)
    old = register(trained, place, settings)
    make_champion(client, client.get_model_version("leeward", old.version))
    bundle = Path(client.get_run(old.run).info.artifact_uri.removeprefix("file://")) / BUNDLE_ARTIFACT
    manifest = json.loads((bundle / MANIFEST_FILE).read_bytes())
    manifest["featureSchema"] = "sha256:" + "0" * 64
    (bundle / MANIFEST_FILE).write_text(json.dumps(manifest))

    with pytest.raises(PipelineError, match="version 1 is champion, and the gate never said so"):
        gate.asked(old)
    new = register(trained, place, settings)
    decision = gate.asked(new)
    (sentence,) = decision.refusals
    assert "champion 1 can't be compared (it was made for feature schema sha256:0000" in sentence
    assert sentence.endswith("it takes a person's word")
    assert aliases(client)["champion"] == old.version

    decision = gate.asked(new, vouched_by="Ada Lovelace")
    assert decision.promoted
    tags = client.get_model_version("leeward", new.version).tags
    assert GateDecision.from_json(tags[DECISION_TAG]).vouched_by == "Ada Lovelace"
    assert serving_version(state) == new.version


def test_versions_are_listed_shown_and_compared(
    trained: Path, worse: Path, place: RegistryPlace, settings: TrainingSettings, gate: Gate
) -> None:
    assert all_versions(place) == ()
    with pytest.raises(PipelineError, match="there is no version champion of leeward; there are none: train one"):
        one_version(place, "champion")
    first = register(trained, place, settings)
    gate.asked(first)
    second = register(worse, place, settings)
    listed = all_versions(place)
    assert [(version.version, version.aliases, version.verdict) for version in listed] == [
        ("2", ("challenger",), ""),
        ("1", ("champion",), "promoted"),
    ]
    assert listed[0].numbers == {"leeward": "2", "leeward-regime": "2", "leeward-interference": "2"}
    shown = one_version(place, "champion")
    assert (shown.summary, shown.run) == (listed[1], first.run)
    assert shown.decision is not None
    assert shown.decision.promoted
    figure = next(one for one in shown.figures if one.name == "bound.probed.unseen-victim.coverage")
    assert figure.lower is not None
    assert figure.upper is not None
    assert figure.lower <= figure.value <= figure.upper
    comparison = compared(place, "champion", "2")
    assert (comparison.first.digest, comparison.second.digest) == (first.digest, second.digest)
    margin = next(one for one in comparison.figures if one.name == "bound.probed.log_margin")
    assert margin.first is not None
    assert margin.second is not None
    assert margin.second.value == pytest.approx(margin.first.value + 1.0)
    with pytest.raises(PipelineError, match="there is no version 9 of leeward; there are 1, 2, challenger, champion"):
        named(registry_client(place.tracking_uri), "9")
