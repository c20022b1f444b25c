"""Two trainings of the same data and seed write the same bundle, byte for byte but for when it was made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.bundle import MANIFEST_FILE, SUMS_FILE, Manifest

PROGRAM = """
import sys
from pathlib import Path

from pipelines.settings import TrainingSettings, TreeSettings
from pipelines.training import train
from pipelines.training_data import training_data
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset

settings = TrainingSettings(
    rate=0.5,
    folds=3,
    regime=TreeSettings(trees=4, depth=3, learning_rate=0.3),
    interference=TreeSettings(trees=4, depth=3, learning_rate=0.3),
    fewest_pressed=10,
    resamples=100,
)
train(training_data(synthetic_dataset(groups=4, mixes=20), settings), settings).draft.write(Path(sys.argv[1]))
"""


def training(directory: Path, *, hash_seed: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(directory)],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        cwd=Path(__file__).parents[3],
    )


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_processes_that_order_their_sets_otherwise_write_the_same_bundle(tmp_path: Path) -> None:
    directories = [tmp_path / str(seed) for seed in (1, 2)]
    processes = [training(directory, hash_seed=seed) for seed, directory in enumerate(directories, start=1)]
    assert [process.wait() for process in processes] == [0, 0]
    one, other = map(files_of, directories)
    assert any(name.endswith(".onnx") for name in one)
    assert one.keys() == other.keys()
    manifests = [Manifest.from_json(files.pop(MANIFEST_FILE)) for files in (one, other)]
    for files in (one, other):
        del files[SUMS_FILE]
    assert one == other
    assert manifests[0] == manifests[1].model_copy(update={"created": manifests[0].created})
