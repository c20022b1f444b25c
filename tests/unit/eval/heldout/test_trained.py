from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.heldout.trained import left_by_training
from pipelines.dataset import TraceDataset
from pipelines.folds import workload_groups
from pipelines.predictions import PREDICTIONS, write_predictions
from serving.bundle_directory import write_bundle
from tests.unit.eval.heldout.fabricated import predictions_on
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

OUTPUT = Path("pipeline/root/leeward-training-1/train/trained")


def leave(state: Path, dataset: TraceDataset, *, training_data: str) -> None:
    write_predictions(predictions_on(dataset, upper=2.0), state / OUTPUT / PREDICTIONS)
    whole = manifest(training_data=training_data, training_groups=workload_groups(dataset.traces))
    write_bundle(state / OUTPUT / "bundle", manifest=whole, graphs=graphs(), profiles=PROFILES)
    without = manifest(training_data=training_data, training_groups=("group-01", "group-02"))
    write_bundle(state / OUTPUT / "held-out" / "00", manifest=without, graphs=graphs(), profiles=PROFILES)


def test_predictions_of_the_same_traces_are_taken(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    found = left_by_training(tmp_path, dataset)
    assert found is not None
    assert found.left
    assert np.array_equal(found.predictions.bounds.upper, predictions_on(dataset, upper=2.0).bounds.upper)


def test_a_group_is_judged_by_the_bundle_that_has_not_seen_it(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    found = left_by_training(tmp_path, dataset)
    assert found is not None
    assert found.model_without("group-00") is not None
    assert found.model_without("group-01") is None


def test_predictions_of_other_traces_are_not(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data="sha256:" + "0" * 64)
    assert left_by_training(tmp_path, dataset) is None


def test_nor_are_those_of_the_same_traces_in_another_order(dataset: TraceDataset, tmp_path: Path) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    turned = replace(dataset, traces=dataset.traces[::-1])
    assert turned.digest == dataset.digest
    assert left_by_training(tmp_path, turned) is None


@pytest.mark.parametrize(
    "torn",
    ["predictions/bounds.parquet", "predictions/regimes.parquet", "bundle/manifest.json", "held-out/00/SHA256SUMS"],
)
def test_what_is_torn_is_made_anew(dataset: TraceDataset, tmp_path: Path, torn: str) -> None:
    leave(tmp_path, dataset, training_data=dataset.digest)
    (tmp_path / OUTPUT / torn).write_bytes(b"torn")
    assert left_by_training(tmp_path, dataset) is None


def test_nothing_left_is_nothing_found(dataset: TraceDataset, tmp_path: Path) -> None:
    assert left_by_training(tmp_path, dataset) is None
