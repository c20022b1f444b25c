from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from feature_repo.settings import Profile
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.servers import running_servers


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


@pytest.fixture(scope="session")
def servers() -> Iterator[Mapping[str, str]]:
    """The environment of the cluster profile, with a Postgres and a Redis behind it."""
    with running_servers() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


@pytest.fixture(scope="module", params=list(Profile))
def either_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of each profile, for all tests of a module: each names workloads and nodes of its own."""
    if request.param is Profile.CLUSTER:
        request.getfixturevalue("servers")
    return open_store(tmp_path_factory.mktemp("state"), profile=request.param)
