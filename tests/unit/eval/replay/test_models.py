"""Versions of a real registry, MLflow on sqlite: those that are there are replayed, those that vanished are counted."""

from collections import Counter
from pathlib import Path

import pytest

from eval.replay.models import replayed_models
from eval.replay.trouble import Trouble
from pipelines.draft import MODEL_NAME
from pipelines.registry import local_registry
from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, registry_client
from tests.unit.eval.replay.site import bundle_in, champion_in

pytestmark = pytest.mark.slow  # MLflow makes its tables


def test_versions_are_fetched_and_those_that_vanished_are_counted(tmp_path: Path) -> None:
    state = champion_in(tmp_path)
    place = local_registry(state)
    (state / "mlflow").mkdir()
    client = registry_client(place.tracking_uri)
    client.create_registered_model(MODEL_NAME)
    experiment = client.create_experiment("test", artifact_location=place.artifacts)
    for number, margin in (("1", 0.3), ("2", 0.6)):
        files = tmp_path / "bundles" / number
        bundle = bundle_in(files, version=number, margin=margin)
        run = client.create_run(experiment).info.run_id
        client.log_artifacts(run, str(files), BUNDLE_ARTIFACT)
        client.create_model_version(MODEL_NAME, f"runs:/{run}/{BUNDLE_ARTIFACT}", run_id=run)
        client.set_model_version_tag(MODEL_NAME, number, DIGEST_TAG, bundle.digest)
    lost = min((state / "mlflow" / "artifacts").rglob("slowdown-q50.onnx"))
    lost.unlink()
    troubles: Counter[Trouble] = Counter()
    found = replayed_models(state, bundles=(), versions=("2", "1", "9"), registry=place, troubles=troubles)
    assert len(found) == 2
    assert {model.name for model in found} < {"champion 1", "version 1", "version 2"}
    assert troubles == {Trouble.VANISHED: 2}
