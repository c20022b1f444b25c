"""The registry as the watch sees it: a real MLflow on sqlite."""

from pathlib import Path

import pytest

from eval.watch.errors import WatchError
from eval.watch.models import REASON_TAG, RegistryModels, Served
from pipelines.aliases import make_champion
from pipelines.draft import MODEL_NAME
from pipelines.registry import local_registry
from serving.champion import bundle_place, read_champion
from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, registry_client
from tests.unit.eval.watch.site import bundle_in

pytestmark = pytest.mark.slow  # MLflow makes its tables


def test_who_serves_is_followed_fetched_and_sent_back_once_with_the_reason(tmp_path: Path) -> None:
    state = tmp_path / "state"
    place = local_registry(state)
    models = RegistryModels(state, place)
    assert models.champion() is None
    assert models.versions() == ()
    assert not (state / "mlflow").exists(), "asking makes no registry"

    (state / "mlflow").mkdir(parents=True)
    client = registry_client(place.tracking_uri)
    client.create_registered_model(MODEL_NAME)
    experiment = client.create_experiment("test", artifact_location=place.artifacts)
    served = []
    for number in ("1", "2"):
        bundle = bundle_in(tmp_path / "bundles", version=number)
        run = client.create_run(experiment).info.run_id
        client.log_artifacts(run, str(tmp_path / "bundles" / number), BUNDLE_ARTIFACT)
        version = client.create_model_version(MODEL_NAME, f"runs:/{run}/{BUNDLE_ARTIFACT}", run_id=run)
        client.set_model_version_tag(MODEL_NAME, number, DIGEST_TAG, bundle.digest)
        make_champion(client, client.get_model_version(MODEL_NAME, str(version.version)))
        served.append(Served(version=number, digest=bundle.digest))
        assert models.champion() == served[-1]
    assert sorted(models.versions()) == ["1", "2"]
    assert not models.verdict("2").asked

    first, second = served
    found = models.bundle(first.digest)
    assert found is not None
    assert found.manifest.version == "1"
    for file in bundle_place(state, first.digest).iterdir():
        file.unlink()
    assert models.bundle(first.digest) == found, "what the state directory lost is fetched"
    assert models.bundle("sha256:" + "7" * 64) is None

    with pytest.raises(WatchError, match="somebody else has moved the alias; nothing was done"):
        models.go_back(left=first, to=second.model_copy(update={"version": "9"}), reason="no")
    for _ in range(2):
        models.go_back(left=second, to=first, reason="its bounds hold in 40 % of windows")
    assert models.champion() == first
    kept = read_champion(state)
    assert kept is not None
    assert kept.version == "1"
    tags = client.get_model_version(MODEL_NAME, "2").tags
    assert tags[REASON_TAG] == "its bounds hold in 40 % of windows"
    assert tags["leeward.verdict"] == "rolled back"
