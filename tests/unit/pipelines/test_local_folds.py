"""The pipeline ``train`` as a cluster runs it, under kfp.local.

In a file of its own, so that it runs beside those of ``test_local_run.py``: both take long.
"""

from pathlib import Path

import pytest

from feature_repo.ingest import Ingest
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from pipelines.dataset import TraceDataset, dataset_directory, write_dataset
from pipelines.local_run import train_locally
from pipelines.report import report_of
from pipelines.settings import TrainingSettings
from pipelines.training import train
from pipelines.training_data import training_data
from tests.unit.pipelines.synthetic_dataset import vectors_of

pytestmark = pytest.mark.slow  # each task is a process that imports what it needs


def test_folds_apart_come_to_the_same_report(
    dataset: TraceDataset, small_settings: TrainingSettings, tmp_path: Path
) -> None:
    write_dataset(dataset, dataset_directory(tmp_path))
    store = open_store(tmp_path)
    Ingest(store).accept(vectors_of(dataset))
    write_profiles(store, dataset.profiles)

    apart = train_locally(tmp_path, small_settings, folds_apart=True)

    data = training_data(dataset, small_settings)
    assert apart.report == report_of(train(data, small_settings), data)
    (run,) = (tmp_path / "pipeline" / "root").iterdir()
    assert len(list(run.glob("for-loop-*/fit-fold/fits"))) == 3
