"""One small dataset and one small training, made once a session."""

import pytest

from pipelines.dataset import TraceDataset
from pipelines.settings import TrainingSettings, TreeSettings
from pipelines.training import Training, train
from pipelines.training_data import TrainingData, training_data
from tests.unit.pipelines.leaky_training import held_out_by_row
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    return TrainingSettings(
        rate=0.75,
        regime=TreeSettings(trees=20, depth=3, learning_rate=0.3),
        interference=TreeSettings(trees=40, depth=3, learning_rate=0.15),
        fewest_pressed=10,
        resamples=200,
    )


@pytest.fixture(scope="session")
def small_settings(settings: TrainingSettings) -> TrainingSettings:
    """Of a training that comes to its end soonest, where nothing is asked of its models."""
    return settings.model_copy(
        update={
            "rate": 0.5,
            "folds": 3,
            "regime": TreeSettings(trees=8, depth=3, learning_rate=0.5),
            "interference": TreeSettings(trees=10, depth=3, learning_rate=0.4),
            "resamples": 100,
        }
    )


@pytest.fixture(scope="session")
def dataset() -> TraceDataset:
    return synthetic_dataset(groups=6, mixes=40)


@pytest.fixture(scope="session")
def data(dataset: TraceDataset, settings: TrainingSettings) -> TrainingData:
    return training_data(dataset, settings)


@pytest.fixture(scope="session")
def training(data: TrainingData, settings: TrainingSettings) -> Training:
    return train(data, settings)


@pytest.fixture(scope="session")
def leaky(data: TrainingData, settings: TrainingSettings) -> Training:
    return train(held_out_by_row(data), settings)
