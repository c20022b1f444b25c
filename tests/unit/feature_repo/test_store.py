import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from feast import FeatureStore
from feast.cli.cli import cli

from contracts.features import FEATURE_SCHEMA_V1
from feature_repo.definitions import MAXIMUM_AGE, VIEW_NAME, definitions
from feature_repo.errors import StoreError
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.ingest import Ingest
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.vectors import vector

_ROOT = Path(__file__).parents[3]


def _as_of_end(store: Store) -> object:
    return vectors_as_of(store, [VectorKey("node-a", "socket0", vector().window_end_ns)])[0]


def test_a_new_store_holds_the_contract(store: Store) -> None:
    view = store.feast.get_feature_view(VIEW_NAME)
    fields = [field.name for field in view.features]
    assert fields == [*FEATURE_SCHEMA_V1.names, "window_start_ns", "window_length_ns", "feature_schema"]
    assert view.tags == {"feature_schema": FEATURE_SCHEMA_V1.digest}
    assert view.ttl == MAXIMUM_AGE
    assert view.features[0].tags["unit"] == FEATURE_SCHEMA_V1.features[0].unit
    assert store.feast.get_feature_service(VIEW_NAME).name == "vector_v1"


def test_opening_again_writes_nothing(store: Store) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.directory.rglob("*")}
    open_store(store.directory.parent)
    assert {path: path.stat().st_mtime_ns for path in store.directory.rglob("*")} == before


def test_opening_again_keeps_vectors(store: Store) -> None:
    Ingest(store).accept([vector()])
    again = open_store(store.directory.parent)
    assert latest_vectors(again, [("node-a", "socket0")]) == (vector(),)
    assert _as_of_end(again) == vector()


def test_a_store_that_moved_finds_its_history(store: Store, tmp_path: Path) -> None:
    Ingest(store).accept([vector()])
    shutil.move(store.directory, tmp_path / "elsewhere" / "features")
    assert _as_of_end(open_store(tmp_path / "elsewhere")) == vector()


def test_settings_of_an_administrator_are_kept(tmp_path: Path) -> None:
    settings = open_store(tmp_path).directory / "feature_store.yaml"
    edited = settings.read_text().replace("path: online.db", "path: other.db")
    settings.write_text(edited)
    Ingest(open_store(tmp_path)).accept([vector()])
    assert settings.read_text() == edited
    assert (settings.parent / "other.db").exists()


def test_a_lost_online_store_is_made_again(store: Store) -> None:
    Ingest(store).accept([vector()])
    (store.directory / "online.db").unlink()
    again = open_store(store.directory.parent)
    assert latest_vectors(again, [("node-a", "socket0")]) == (None,)
    report = Ingest(again).accept([vector(), vector(10)])
    assert (report.written, report.repeated, report.advanced) == (1, 1, 1)


def test_a_store_of_another_schema_is_refused(store: Store) -> None:
    foreign = definitions(store.history)
    foreign.view.tags = {"feature_schema": "sha256:beef"}
    store.feast.apply(foreign.view)
    with pytest.raises(StoreError, match=r"holds vector_v1 of schema sha256:beef.*name another state directory"):
        open_store(store.directory.parent)


def test_a_changed_definition_is_applied(store: Store) -> None:
    older = definitions(store.history)
    older.view.description = "as an earlier release had it"
    store.feast.apply(older.view)
    again = open_store(store.directory.parent)
    assert again.feast.get_feature_view(VIEW_NAME).description == definitions(store.history).view.description


@pytest.mark.slow
def test_the_plain_feast_command_reads_and_keeps_the_store(store: Store) -> None:
    applied = subprocess.run(
        [str(Path(sys.executable).with_name("feast")), "-c", str(store.directory), "apply"],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr
    assert "Deleted" not in applied.stdout
    listed = CliRunner().invoke(cli, ["-c", str(store.directory), "feature-views", "list"])
    assert "vector_v1" in listed.output
    assert FeatureStore(repo_path=str(store.directory)).get_feature_view(VIEW_NAME) == definitions(store.history).view
