"""The registry on a real MLflow server with Postgres behind it and artifacts proxied, which goes away now and then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.bundle import SUMS_FILE, bundle_digest
from pipelines.dataset import TraceDataset
from pipelines.gate_measurement import usual_limits
from pipelines.registry import RegistryPlace, champion_version, register
from pipelines.rollback import roll_back
from pipelines.settings import TrainingSettings
from pipelines.steps import write_training
from pipelines.training import Training
from pipelines.training_data import TrainingData
from pipelines.versions import all_versions, one_version
from serving.errors import BundleError
from serving.mlflow_champion import BUNDLE_ARTIFACT, pull_champion, registry_client
from tests.unit.pipelines.mlflow_server import running_mlflow, way_that_is_cut
from tests.unit.pipelines.registry_at_hand import Gate, aliases, files_of, serving_version

pytestmark = pytest.mark.slow  # a server and a database start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_mlflow(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def trained(training: Training, data: TrainingData, tmp_path: Path) -> Path:
    write_training(training, data, tmp_path / "trained")
    return tmp_path / "trained"


@pytest.fixture
def gate(dataset: TraceDataset, tmp_path: Path, server: str, settings: TrainingSettings) -> Gate:
    limits = usual_limits(settings).model_copy(update={"regime_seconds": 1.0, "bounds_seconds": 10.0})
    place = RegistryPlace(tracking_uri=server)
    return Gate(dataset=dataset, state=tmp_path / "state", place=place, settings=settings, limits=limits)


def test_a_server_that_goes_away_midway_leaves_the_champion_where_it_was(
    trained: Path, tmp_path: Path, settings: TrainingSettings, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, since all of it needs the server, which takes long to start."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    place, state = gate.place, tmp_path / "state"
    server, client = place.tracking_uri, registry_client(place.tracking_uri)
    with (
        way_that_is_cut(server, lambda method, path: "log-inputs" in path) as cut,
        pytest.raises(BundleError, match="MLflow was asked to register a training and failed"),
    ):
        register(trained, RegistryPlace(tracking_uri=cut), settings)
    assert all_versions(place) == ()

    first = register(trained, place, settings)
    for met_by, part, complaint in (
        ("GET", "/model-versions/get", "MLflow was asked for version 1 of leeward and failed"),
        ("POST", "/model-versions/set-tag", "MLflow was asked to keep the decision on version 1 and failed"),
        ("POST", "/registered-models/alias", "MLflow was asked to make version 1 champion and failed"),
    ):

        def cuts(method: str, path: str, *, met_by: str = met_by, part: str = part) -> bool:
            return method == met_by and part in path

        with way_that_is_cut(server, cuts) as cut, pytest.raises(BundleError, match=complaint):
            gate.asked(first, place=RegistryPlace(tracking_uri=cut))
        assert champion_version(client) is None
        assert files_of(state) == {}

    assert gate.asked(first).promoted
    assert serving_version(state) == first.version
    second = register(trained, place, settings)
    assert gate.asked(second).promoted
    assert aliases(client) == aliases(client, "leeward-regime") == {"champion": "2", "previous": "1"}
    pulled = pull_champion(tmp_path / "elsewhere", tracking_uri=server)
    assert pulled is not None
    assert pulled.digest == second.digest
    fetched = Path(client.download_artifacts(second.run, BUNDLE_ARTIFACT, str(tmp_path)))
    assert bundle_digest((fetched / SUMS_FILE).read_bytes()) == second.digest
    assert roll_back(state, place).digest == first.digest
    assert one_version(place, "2").summary.verdict == "rolled back"
