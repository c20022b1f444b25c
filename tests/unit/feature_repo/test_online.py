"""What ingest puts online by the short way is what Feast's own push puts there, in either store."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.vector import FeatureVector
from feature_repo.encoded_rows import encoded_rows
from feature_repo.history import latest_vectors
from feature_repo.ingest import Ingest
from feature_repo.names import PUSH_SOURCE_NAME, VIEW_NAME
from feature_repo.one_row import decoded
from feature_repo.online import ages_online, feast_rows, push_online
from feature_repo.rows import to_rows
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.vectors import vector

ONE_ROW = """\
project: leeward
provider: local
registry: registry.db
online_store:
  type: feature_repo.one_row.OneRowOnlineStore
  path: online.db
offline_store:
  type: duckdb
entity_key_serialization_version: 3
"""
FEASTS_OWN = ONE_ROW.replace("feature_repo.one_row.OneRowOnlineStore", "sqlite")
VECTORS = [vector(0), vector(7.0000001, node="node-b", length_ns=1), vector(20, domain="socket1")]
DOMAINS = [(one.node, one.domain) for one in VECTORS]


def opened(directory: Path, settings: str) -> Store:
    (directory / "features").mkdir(parents=True)
    (directory / "features" / "feature_store.yaml").write_text(settings)
    return open_store(directory)


@pytest.fixture(params=[FEASTS_OWN, ONE_ROW], ids=["feasts", "one_row"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return opened(tmp_path, request.param)


def online_rows(store: Store) -> list[Any]:
    with sqlite3.connect(store.directory / "online.db") as connection:
        (table,) = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND (name = 'online' OR name LIKE '%vector_v1')"
        ).fetchone()
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    connection.close()
    return rows


def test_a_push_leaves_what_feasts_own_push_leaves(either: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = (either.directory / "feature_store.yaml").read_text()
    other = opened(tmp_path_factory.mktemp("other"), settings)
    push_online(either, to_rows(VECTORS))
    other.feast.push(PUSH_SOURCE_NAME, to_rows(VECTORS).to_pandas())
    assert latest_vectors(either, DOMAINS) == latest_vectors(other, DOMAINS) == tuple(VECTORS)
    ours, feasts = (_comparable(online_rows(store)) for store in (either, other))
    assert ours == feasts


def _comparable(rows: list[Any]) -> list[Any]:
    """A serialised map has no order: its bytes in order are as good as it."""
    return [
        tuple(sorted(cell) if isinstance(cell, bytes) and len(cell) > 400 else cell for cell in row) for row in rows
    ]


def test_the_latest_windows_are_read_without_the_rest(either: Store) -> None:
    push_online(either, to_rows(VECTORS))
    push_online(either, to_rows([vector(50)]))
    assert ages_online(either, [*DOMAINS, ("node-z", "socket0")]) == [
        (vector(50).window_end_ns, vector(50).window_start_ns),
        *((one.window_end_ns, one.window_start_ns) for one in VECTORS[1:]),
        None,
    ]
    assert ages_online(either, []) == []


@given(vectors=st.lists(st.integers(0, 10**6).map(lambda seed: vector(seed / 3, seed=seed)), min_size=1))
def test_rows_are_encoded_as_feast_would(
    vectors: list[FeatureVector], tmp_path_factory: pytest.TempPathFactory
) -> None:
    view = _shared_store(tmp_path_factory).feast.get_feature_view(VIEW_NAME)
    rows = to_rows(vectors)
    encoded = encoded_rows(rows, features=[field.name for field in view.features], key_version=3)
    for own, (_, features, event, created) in zip(encoded, feast_rows(view, rows), strict=True):
        assert decoded(own.features) == features
        assert datetime.fromtimestamp(own.event // 10**6, tz=UTC) == event.replace(microsecond=0)
        assert own.event % 10**6 == event.microsecond
        assert created is not None
        assert own.created is not None
        assert own.created % 10**6 == created.microsecond


_STORES: list[Store] = []


def _shared_store(factory: pytest.TempPathFactory) -> Store:
    if not _STORES:
        _STORES.append(opened(factory.mktemp("shared"), ONE_ROW))
    return _STORES[0]


def test_another_process_sees_what_was_pushed(either: Store, tmp_path: Path) -> None:
    Ingest(either).accept(VECTORS)
    assert latest_vectors(open_store(tmp_path), DOMAINS) == tuple(VECTORS)


def test_a_store_whose_online_file_is_lost_is_made_anew(either: Store, tmp_path: Path) -> None:
    Ingest(either).accept(VECTORS)
    (either.directory / "online.db").unlink()
    again = open_store(tmp_path)
    assert latest_vectors(again, DOMAINS) == (None, None, None)
    report = Ingest(again).accept([*VECTORS, vector(60)])
    assert (report.written, report.repeated, report.advanced) == (1, 3, 1)


def test_what_two_ingests_push_in_turn_never_goes_back(either: Store) -> None:
    """Each knows what is online; the other's push is seen all the same."""
    one, other = Ingest(either), Ingest(either)
    one.accept([vector(0)])
    other.accept([vector(20)])
    assert one.accept([vector(10)]).advanced == 0
    assert other.accept([vector(30)]).advanced == 1
    assert one.accept([vector(30)]).repeated == 1
    assert latest_vectors(either, DOMAINS[:1]) == (vector(30),)


def test_a_store_is_torn_down_and_that_again_is_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path, ONE_ROW)
    Ingest(store).accept(VECTORS)
    store.feast.provider.online_store.teardown(store.feast.config, [], [])
    store.feast.provider.online_store.teardown(store.feast.config, [], [])
    assert not (store.directory / "online.db").exists()
