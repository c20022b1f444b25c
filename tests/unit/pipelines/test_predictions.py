from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import DataError
from pipelines.predictions import (
    BOUNDS_FILE,
    HeldOutBounds,
    HeldOutRegimes,
    read_predictions,
    write_predictions,
)
from pipelines.training import Training


def test_what_is_read_is_what_was_written(training: Training, tmp_path: Path) -> None:
    write_predictions(training.predictions, tmp_path / "made")
    read = read_predictions(tmp_path / "made")
    assert read.rate == training.predictions.rate
    for part, kind in (("bounds", HeldOutBounds), ("regimes", HeldOutRegimes)):
        for field in fields(kind):
            wrote, found = (getattr(getattr(each, part), field.name) for each in (training.predictions, read))
            assert np.array_equal(wrote, found, equal_nan=wrote.dtype.kind == "f"), field.name
    assert read.groups == training.predictions.groups


def test_missing_torn_and_foreign_predictions_are_refused(training: Training, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing or torn"):
        read_predictions(tmp_path)
    write_predictions(training.predictions, tmp_path)
    path = tmp_path / BOUNDS_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.raises(DataError, match="missing or torn"):
        read_predictions(tmp_path)
    pq.write_table(pa.table({"group": ["a"]}), path)
    with pytest.raises(DataError, match="holds no held-out predictions of format 2"):
        read_predictions(tmp_path)
