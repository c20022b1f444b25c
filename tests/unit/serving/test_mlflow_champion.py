"""The registry's alias, resolved against a real MLflow on sqlite."""

import socket
from pathlib import Path

import pytest
from mlflow import MlflowClient

from serving.bundle_directory import write_bundle
from serving.champion import load_champion, read_champion
from serving.errors import BundleError
from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, pull_champion, registry_client
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make its tables


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry with a model and an experiment, and nothing else."""
    directory = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{directory / 'mlflow.db'}"
    client = registry_client(uri)
    client.create_experiment("training", artifact_location=(directory / "artifacts").as_uri())
    client.create_registered_model("leeward")
    return uri


@pytest.fixture(scope="module")
def client(uri: str) -> MlflowClient:
    return registry_client(uri)


def registered(client: MlflowClient, directory: Path, **changes: object) -> tuple[str, str]:
    """A version with its bundle; its number and digest."""
    experiment = client.get_experiment_by_name("training")
    assert experiment is not None
    run = client.create_run(experiment.experiment_id).info.run_id
    number = str(client.create_model_version("leeward", f"runs:/{run}/{BUNDLE_ARTIFACT}", run_id=run).version)
    made = directory / f"made-{number}"
    described = manifest(version=number, **changes)
    digest = write_bundle(made, manifest=described, graphs=graphs(), profiles=PROFILES)
    client.log_artifacts(run, str(made), BUNDLE_ARTIFACT)
    client.set_model_version_tag("leeward", number, DIGEST_TAG, digest)
    return number, digest


def test_without_model_or_alias_there_is_no_champion(uri: str, tmp_path: Path) -> None:
    assert pull_champion(tmp_path, tracking_uri=uri, alias="nobody") is None
    assert pull_champion(tmp_path, tracking_uri=uri, model="nothing") is None
    assert list(tmp_path.iterdir()) == []


def test_the_alias_decides_who_serves_and_moves_both_ways(uri: str, client: MlflowClient, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first, second = registered(client, tmp_path), registered(client, tmp_path)
    for number, digest in (first, second, first):
        client.set_registered_model_alias("leeward", "champion", number)
        pulled = pull_champion(state, tracking_uri=uri)
        assert pulled is not None
        assert pulled.digest == digest
        champion = read_champion(state)
        assert champion is not None
        assert (champion.model, champion.version, champion.digest) == ("leeward", number, digest)
    assert sorted(path.name for path in state.iterdir()) == ["bundles", "champion.json"]


def test_a_champion_that_is_there_is_not_fetched_again(uri: str, client: MlflowClient, tmp_path: Path) -> None:
    state = tmp_path / "state"
    number, digest = registered(client, tmp_path)
    client.set_registered_model_alias("leeward", "champion", number)
    assert pull_champion(state, tracking_uri=uri) is not None
    version = client.get_model_version("leeward", number)
    artifacts = Path(client.get_run(str(version.run_id)).info.artifact_uri.removeprefix("file://"))
    (artifacts / BUNDLE_ARTIFACT / "manifest.json").unlink()
    again = pull_champion(state, tracking_uri=uri)
    assert again is not None
    assert again.digest == digest


def test_an_altered_bundle_is_refused_and_the_old_champion_stays(
    uri: str, client: MlflowClient, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    good, digest = registered(client, tmp_path)
    client.set_registered_model_alias("leeward", "champion", good)
    pull_champion(state, tracking_uri=uri)

    bad, _ = registered(client, tmp_path)
    client.set_model_version_tag("leeward", bad, DIGEST_TAG, "sha256:" + "0" * 64)
    client.set_registered_model_alias("leeward", "champion", bad)
    with pytest.raises(BundleError, match=r"sha256:0{64} was asked for: fetch it again"):
        pull_champion(state, tracking_uri=uri)
    client.delete_model_version_tag("leeward", bad, DIGEST_TAG)
    with pytest.raises(BundleError, match=rf"version {bad} of leeward has no tag leeward\.digest"):
        pull_champion(state, tracking_uri=uri)

    serves = load_champion(state)
    assert serves is not None
    assert serves.digest == digest
    assert sorted(path.name for path in state.iterdir()) == ["bundles", "champion.json"]


def test_a_version_whose_files_are_gone_is_refused(uri: str, client: MlflowClient, tmp_path: Path) -> None:
    version = client.create_model_version("leeward", "runs:/none/bundle")
    client.set_model_version_tag("leeward", str(version.version), DIGEST_TAG, "sha256:" + "1" * 64)
    client.set_registered_model_alias("leeward", "champion", str(version.version))
    with pytest.raises(BundleError, match="names no run, so its bundle can't be found"):
        pull_champion(tmp_path, tracking_uri=uri)


def test_a_registry_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(BundleError, match="MLflow was asked who is champion of leeward and failed: "):
        pull_champion(tmp_path, tracking_uri=f"http://127.0.0.1:{port}")
    assert list(tmp_path.iterdir()) == []
