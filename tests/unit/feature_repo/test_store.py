import shutil
from pathlib import Path

import pytest

from feature_repo.definitions import Definitions, definitions_of
from feature_repo.errors import StoreError
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.ingest import Ingest
from feature_repo.names import VIEW_NAME
from feature_repo.settings import VARIABLES, Profile
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.vectors import vector


def _as_of_end(store: Store) -> object:
    return vectors_as_of(store, [VectorKey("node-a", "socket0", vector().window_end_ns)])[0]


def _definitions(store: Store) -> Definitions:
    return definitions_of(store.directory, store.feast.config)


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
    foreign = _definitions(store).views.vectors
    foreign.tags = {"feature_schema": "sha256:beef"}
    store.feast.apply(foreign)
    with pytest.raises(StoreError, match=r"holds vector_v1 of contract sha256:beef.*name another state directory"):
        open_store(store.directory.parent)


def test_a_store_with_profiles_of_another_contract_is_refused(store: Store) -> None:
    foreign = _definitions(store).views.profiles
    foreign.tags = {"contract": "sha256:beef"}
    store.feast.apply(foreign)
    with pytest.raises(StoreError, match=r"holds profile_v1 of contract sha256:beef"):
        open_store(store.directory.parent)


def test_a_changed_definition_is_applied(store: Store) -> None:
    older = _definitions(store).views.vectors
    older.description = "as an earlier release had it"
    store.feast.apply(older)
    again = open_store(store.directory.parent)
    assert again.feast.get_feature_view(VIEW_NAME) == _definitions(store).views.vectors


def test_a_store_of_a_release_without_profiles_gets_them(store: Store) -> None:
    wanted = _definitions(store)
    store.feast.delete_feature_service(wanted.services.interference.name)
    store.feast.delete_feature_view(wanted.views.profiles.name)
    repository = store.directory / "repository.py"
    written = repository.read_text()
    repository.write_text("# of an earlier release")
    again = open_store(store.directory.parent)
    assert again.feast.get_feature_view(wanted.views.profiles.name) == wanted.views.profiles
    assert repository.read_text() == written


def test_a_store_keeps_its_profile(store: Store) -> None:
    state = store.directory.parent
    assert open_store(state, profile=Profile.LOCAL).database is None
    with pytest.raises(StoreError, match=r"feature_store.yaml is of profile local, and cluster was asked for"):
        open_store(state, profile=Profile.CLUSTER)


def test_a_cluster_store_without_settings_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StoreError, match=r"lacks settings: set LEEWARD_POSTGRES_HOST \(Postgres' host name\), "):
        open_store(tmp_path, profile=Profile.CLUSTER)
