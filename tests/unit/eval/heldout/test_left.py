from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.heldout.left import predictions_left_by_training
from pipelines.dataset import TraceDataset
from pipelines.predictions import PREDICTIONS, write_predictions
from tests.unit.eval.heldout.fabricated import predictions_on
from tests.unit.serving.small_bundle import manifest

OUTPUT = Path("pipeline/root/leeward-training-1/train/trained")


def leave(state: Path, dataset: TraceDataset, *, training_data: str) -> None:
    write_predictions(predictions_on(dataset, upper=2.0), state / OUTPUT / PREDICTIONS)
    bundle = state / OUTPUT / "bundle"
    bundle.mkdir(parents=True, exist_ok=True)
    content = manifest(training_data=training_data).to_json()
    (bundle / "manifest.json").write_bytes(content)


def test_predictions_of_the_same_traces_are_taken(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    found = predictions_left_by_training(tmp_path, dataset)
    assert found is not None
    assert np.array_equal(found.bounds.upper, predictions_on(dataset, upper=2.0).bounds.upper)


def test_predictions_of_other_traces_are_not(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data="sha256:" + "0" * 64)
    assert predictions_left_by_training(tmp_path, dataset) is None


def test_nor_are_those_of_the_same_traces_in_another_order(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    turned = replace(dataset, traces=dataset.traces[::-1])
    assert turned.digest == dataset.digest
    assert predictions_left_by_training(tmp_path, turned) is None


@pytest.mark.parametrize("torn", ["predictions/bounds.parquet", "predictions/regimes.parquet", "bundle/manifest.json"])
def test_what_is_torn_is_made_anew(dataset: TraceDataset, tmp_path: Path, torn: str) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    (tmp_path / OUTPUT / torn).write_bytes(b"torn")
    assert predictions_left_by_training(tmp_path, dataset) is None


def test_nothing_left_is_nothing_found(dataset: TraceDataset, tmp_path: Path) -> None:
    assert predictions_left_by_training(tmp_path, dataset) is None
