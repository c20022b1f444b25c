import pytest

from pipelines.dataset import TraceDataset
from tests.unit.pipelines.synthetic_dataset import synthetic_dataset


@pytest.fixture(scope="session")
def dataset() -> TraceDataset:
    return synthetic_dataset(groups=6, mixes=20, seed=4)
