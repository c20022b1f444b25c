"""The cluster profile: registry and history in a real Postgres, what is online in a real Redis."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from feature_repo.definitions import definitions_of
from feature_repo.errors import StoreError
from feature_repo.history import VectorKey, latest_vectors, vectors_as_of
from feature_repo.ingest import Ingest
from feature_repo.names import VIEW_NAME
from feature_repo.profiles import latest_profile, write_profiles
from feature_repo.relation import VECTOR_RELATION, Database
from feature_repo.rows import to_rows
from feature_repo.settings import DATABASE, PASSWORD, REDIS, SETTINGS, Profile
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.documents import profile
from tests.unit.feature_repo.servers import connected, free_port, own_database, running_servers
from tests.unit.feature_repo.vectors import vector


@pytest.fixture(scope="module")
def store(servers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("state"), profile=Profile.CLUSTER)


@pytest.fixture
def empty_database(servers: Mapping[str, str]) -> Iterator[None]:
    with own_database(servers, "empty"):
        yield


def _database(store: Store) -> Database:
    assert store.database is not None
    return store.database


def test_no_secret_is_written_and_no_vector_to_the_state_directory(store: Store, servers: Mapping[str, str]) -> None:
    Ingest(store).accept([vector(node="nowhere")])
    written = {path.name: path.read_text() for path in store.directory.iterdir() if path.is_file()}
    assert written["feature_store.yaml"] == SETTINGS[Profile.CLUSTER]
    assert not any(servers[PASSWORD] in text for text in written.values())
    assert list(store.directory.rglob("*.parquet")) == []
    assert list(store.directory.rglob("*.db")) == []


def test_another_replica_reads_what_one_took(store: Store, tmp_path: Path) -> None:
    Ingest(store).accept([vector(node="shared"), vector(10, node="shared")])
    write_profiles(store, [profile("shared")])
    other = open_store(tmp_path, profile=Profile.CLUSTER)
    assert latest_vectors(other, [("shared", "socket0")]) == (vector(10, node="shared"),)
    key = VectorKey("shared", "socket0", vector(node="shared").window_end_ns)
    assert vectors_as_of(other, [key]) == (vector(node="shared"),)
    assert latest_profile(other, "shared") == profile("shared")


def test_a_batch_sent_to_two_replicas_is_in_history_once_and_reported_so(store: Store, tmp_path: Path) -> None:
    replicas = [Ingest(store), Ingest(open_store(tmp_path, profile=Profile.CLUSTER))]
    batch = [vector(start, node="twice") for start in range(0, 500, 10)]
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda ingest: ingest.accept(batch), replicas))
    assert sorted((report.written, report.repeated) for report in reports) == [(0, len(batch)), (len(batch), 0)]
    assert _database(store).append(VECTOR_RELATION, to_rows(batch)) == 0
    asked = [VectorKey("twice", "socket0", one.window_end_ns) for one in batch]
    assert vectors_as_of(store, asked) == tuple(batch)


def test_a_redis_that_comes_back_with_older_windows_doubles_nothing(store: Store) -> None:
    known = [vector(start, node="older") for start in (0, 10, 20)]
    Ingest(store).accept(known[:1])
    _database(store).append(VECTOR_RELATION, to_rows(known[1:]))
    Ingest(store).accept(known)
    assert _database(store).append(VECTOR_RELATION, to_rows(known)) == 0
    assert latest_vectors(store, [("older", "socket0")]) == (known[-1],)


def test_a_table_that_can_not_be_written_raises_what_a_full_disk_does(servers: Mapping[str, str], store: Store) -> None:
    """As on a standby that has not taken over yet."""
    with connected(servers) as connection:
        connection.execute("ALTER ROLE feast SET default_transaction_read_only = on")
        try:
            with pytest.raises(
                OSError, match="can't be used as feast: cannot execute INSERT in a read-only transaction"
            ):
                Ingest(store).accept([vector(node="standby")])
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER ROLE feast RESET default_transaction_read_only")
    assert Ingest(store).accept([vector(node="standby")]).written == 1


def test_a_batch_of_several_statements_is_added_wholly_or_not_at_all(store: Store) -> None:
    rows = to_rows([vector(start, node="large") for start in range(5000)])
    names = pa.array(["large"] * 4999 + [None], pa.string())
    torn = rows.set_column(rows.schema.get_field_index("node"), "node", names)
    with pytest.raises(psycopg.errors.NotNullViolation):
        _database(store).append(VECTOR_RELATION, torn)
    assert _database(store).append(VECTOR_RELATION, rows) == 5000


def test_a_commit_is_on_disk_whatever_the_database_says(servers: Mapping[str, str], store: Store) -> None:
    with connected(servers) as connection:
        connection.execute("ALTER ROLE feast SET synchronous_commit = off")
        try:
            with _database(store)._connected() as own:
                assert own.execute("SHOW synchronous_commit").fetchone() == ("on",)
        finally:
            connection.execute("ALTER ROLE feast RESET synchronous_commit")


def test_a_late_vector_goes_to_history_and_replaces_no_newer_one(store: Store) -> None:
    Ingest(store).accept([vector(10, node="late")])
    report = Ingest(store).accept([vector(node="late")])
    assert (report.written, report.advanced) == (1, 0)
    assert latest_vectors(store, [("late", "socket0")]) == (vector(10, node="late"),)


def test_names_that_run_together_are_not_confused(store: Store) -> None:
    alike = [vector(node=node, domain=domain, seed=seed) for seed, (node, domain) in enumerate(_RUN_TOGETHER)]
    Ingest(store).accept(alike)
    asked = [VectorKey(one.node, one.domain, one.window_end_ns) for one in alike]
    assert vectors_as_of(store, asked) == tuple(alike)


_RUN_TOGETHER = [("node-1", "1x"), ("node-11", "x"), ("node-", "11x")]


def test_materializing_fills_an_empty_redis(store: Store) -> None:
    one = vector(node="materialized")
    _database(store).append(VECTOR_RELATION, to_rows([one]))
    assert latest_vectors(store, [(one.node, one.domain)]) == (None,)
    start, end = (datetime.fromtimestamp(at / 1e9, tz=UTC) for at in (one.window_start_ns, one.window_end_ns))
    store.feast.materialize(start, end, feature_views=[VIEW_NAME])
    assert latest_vectors(store, [(one.node, one.domain)]) == (one,)


def test_replicas_that_start_together_on_an_empty_database_agree(
    empty_database: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    states = [tmp_path, tmp_path_factory.mktemp("other")]
    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(lambda state: open_store(state, profile=Profile.CLUSTER), states))
    for store in stores:
        wanted = definitions_of(store.directory, store.feast.config)
        registered = {view.name: view for view in store.feast.list_all_feature_views()}
        assert [registered[view.name] for view in wanted.views] == list(wanted.views)


def test_a_database_that_is_not_to_be_reached_is_named(
    servers: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE, "nowhere")
    with pytest.raises(StoreError, match=r"Postgres at 127.0.0.1 port \d+, database nowhere, can't be used as feast: "):
        open_store(tmp_path, profile=Profile.CLUSTER)
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(StoreError, match="password authentication failed") as refusal:
        open_store(tmp_path)
    assert "wrong" not in str(refusal.value)


def test_a_server_that_went_away_raises_what_a_full_disk_does(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REDIS, f"127.0.0.1:{free_port()}")
    without_redis = open_store(tmp_path, profile=Profile.CLUSTER)
    with pytest.raises(OSError, match="Redis can't be used"):
        Ingest(without_redis).accept([vector(node="unreachable")])
    config = _database(store).config.model_copy(update={"port": free_port()})
    with pytest.raises(OSError, match=r"Postgres at 127.0.0.1 port \d+, database postgres, can't be used as feast"):
        Database(config).append(VECTOR_RELATION, to_rows([vector(node="unreachable")]))
    assert Ingest(store).accept([vector(node="unreachable")]).written == 1


def test_a_store_whose_servers_have_died_raises_what_a_full_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_servers() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        bereft = open_store(tmp_path, profile=Profile.CLUSTER)
        Ingest(bereft).accept([vector()])
    with pytest.raises(OSError, match="can't be used"):
        Ingest(bereft).accept([vector(10)])
    with pytest.raises(OSError, match="Postgres can't be used"):
        vectors_as_of(bereft, [VectorKey("node-a", "socket0", vector().window_end_ns)])
